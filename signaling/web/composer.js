// Where a viewer writes: the text, what it answers, emotes, hearts; and the name that a guest takes
// before that.

import { graphemes } from "./chatparts.js";
import { completionAt } from "./completion.js";
import { button, icon, make, put } from "./elements.js";
import { EmotePicker } from "./emotepicker.js";

const MOST_GRAPHEMES = 500;
/** The count is said from here on. */
const SHOWN_FROM = 400;
const MOST_NAME = 40;

export class Composer {
  #acts;
  #reply = null;
  #emotes = {};
  #offered = null; // {from, choices, at}: what Tab goes through
  #picker = new EmotePicker((name) => this.insert(`:${name}: `));
  #answered = make("p", { class: "answering", hidden: true });
  #text = make("textarea", {
    rows: "1", "aria-label": "Message", placeholder: "Say something", maxlength: "2000", enterkeyhint: "send",
    autocomplete: "off", on: { input: () => this.#measure(), keydown: (event) => this.#onKey(event) },
  });
  #count = make("output", { class: "count", "aria-label": "Characters left" });
  #send = make("button", { type: "submit", class: "tool send", "aria-label": "Send", title: "Send" }, icon("send"));
  #heart = button("Send a heart", () => this.#acts.heart(), { icon: "heart", class: "tool heart" });
  #gift = button("Support the channel", () => this.#acts.support(), { icon: "gift", class: "tool", hidden: true });
  #form;
  #name = make("input", {
    type: "text", "aria-label": "Your name in the chat", placeholder: "Your name", maxlength: String(MOST_NAME),
    autocomplete: "nickname", required: true,
  });
  #join = make("button", { type: "submit", class: "button" }, "Join in");
  #guest;
  #status = make("p", { class: "status", role: "status" });

  /**
   * @param {object} acts {say(text, reply), heart(), support(), names() => string[],
   *   join(name) => Promise}; it rejects with an Error whose `message` is for people
   */
  constructor(acts) {
    this.#acts = acts;
    this.#form = make("form", { class: "write", on: { submit: (event) => this.#onSend(event) } },
      this.#answered,
      make("div", { class: "field" }, this.#text, this.#count),
      make("div", { class: "tools" }, this.#picker.opener, this.#gift, make("span", { class: "grow" }), this.#heart, this.#send),
    );
    this.#guest = make("form", { class: "guest", hidden: true, on: { submit: (event) => this.#onJoin(event) } },
      make("p", { class: "quiet" }, "Choose a name to write in the chat."), make("div", { class: "row" }, this.#name, this.#join),
    );
    this.element = make("div", { class: "composer" }, this.#picker.sheet, this.#status, this.#guest, this.#form);
    this.#measure();
  }

  /** @param {object} state {you, emotes, isIn, canJoin, supported} */
  show({ you, emotes, isIn, canJoin, supported }) {
    const named = you.id !== null;
    this.#guest.hidden = named || !canJoin;
    this.#join.disabled = !isIn;
    this.#form.hidden = !this.#guest.hidden;
    this.#text.disabled = !named || !you.may_say;
    this.#text.placeholder = !named ? "Sign in to write" : you.may_say ? `Say something as ${you.name}` : "You cannot write here";
    this.#send.disabled = this.#text.disabled;
    this.#heart.disabled = !isIn;
    this.#gift.hidden = !supported;
    this.#emotes = emotes;
    this.#picker.show(this.#text.disabled ? {} : emotes);
  }

  answer(entry) {
    this.#reply = entry;
    this.#answered.hidden = entry === null;
    this.#answered.replaceChildren();
    if (entry !== null) {
      const stop = button("Do not answer", () => this.answer(null), { icon: "close" });
      this.#answered.append(icon("reply"), make("span", {}, `${entry.user.name}: ${entry.text}`), stop);
    }
    this.#text.focus();
  }

  /** Put a text back, to be changed. */
  write(text) {
    this.#text.value = text;
    this.#measure();
    this.#text.focus();
  }

  focus() {
    (this.#form.hidden ? this.#name : this.#text).focus();
  }

  insert(text) {
    const { selectionStart, selectionEnd } = this.#text;
    this.#text.setRangeText(text, selectionStart, selectionEnd, "end");
    this.#measure();
    this.#text.focus();
  }

  tell(words) {
    put(this.#status, words);
  }

  #onSend(event) {
    event.preventDefault();
    const text = this.#text.value.trim();
    if (text === "" || this.#text.disabled) return;
    if (graphemes(text) > MOST_GRAPHEMES) return this.tell(`At most ${MOST_GRAPHEMES} characters.`);
    this.tell("");
    this.#acts.say(text, this.#reply);
    this.#text.value = "";
    this.answer(null);
    this.#measure();
  }

  async #onJoin(event) {
    event.preventDefault();
    this.#join.disabled = true;
    this.tell("");
    try {
      await this.#acts.join(this.#name.value.trim());
      this.#text.focus();
    } catch (error) {
      this.tell(error.message);
    } finally {
      this.#join.disabled = false;
    }
  }

  #onKey(event) {
    // Enter while letters are still being composed belongs to the keyboard, not to us.
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.#form.requestSubmit();
    } else if (event.key === "Escape" && this.#reply !== null) this.answer(null);
    else if (event.key === "Tab" && !event.shiftKey && this.#complete()) event.preventDefault();
    if (event.key !== "Tab") this.#offered = null;
  }

  /** The next way to finish what was begun; false where there is nothing to finish. */
  #complete() {
    const { value, selectionStart: caret } = this.#text;
    if (this.#offered === null) {
      const found = completionAt(value, caret, { names: this.#acts.names(), emotes: Object.keys(this.#emotes) });
      this.#offered = found && { ...found, at: 0 };
    }
    if (this.#offered === null) return false;
    const { from, to, choices, at } = this.#offered;
    if (at === choices.length) return false; // all were seen: Tab leads on
    const choice = choices[at];
    this.#text.setRangeText(choice, from, to, "end");
    this.#offered = { from, to: from + choice.length, choices, at: at + 1 };
    this.#measure();
    return true;
  }

  #measure() {
    this.#text.style.height = "auto";
    this.#text.style.height = `${Math.min(112, this.#text.scrollHeight)}px`;
    const count = graphemes(this.#text.value);
    put(this.#count, count >= SHOWN_FROM ? String(MOST_GRAPHEMES - count) : "");
    this.#count.classList.toggle("over", count > MOST_GRAPHEMES);
  }
}
