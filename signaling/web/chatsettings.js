// The chat's settings: how this viewer sees it, and for moderators how the room talks.

import { spanWords } from "./chatwords.js";
import { make } from "./elements.js";

const KEY = "sluice.chat.look";
const SIZES = Object.freeze({ small: "Small", middle: "Middle", large: "Large" });
const SLOW = Object.freeze([[0, "Off"], [3, "3 seconds"], [10, "10 seconds"], [30, "30 seconds"], [60, "1 minute"], [300, "5 minutes"]]);
const SWITCHES = Object.freeze({
  subscribers_only: "Subscribers only",
  emote_only: "Emotes only",
  unique: "Nothing twice",
  links: "Links allowed",
  hold: "Look at every message first",
});

/** What this viewer chose before. */
export function recalledLook(storage) {
  let kept = {};
  try {
    kept = JSON.parse(storage.getItem(KEY) ?? "{}");
  } catch {
    storage.removeItem(KEY);
  }
  return { size: Object.hasOwn(SIZES, kept?.size) ? kept.size : "middle", times: kept?.times === true, hearts: kept?.hearts !== false };
}

export class ChatSettings {
  #room;
  #act;
  #changed;
  #hasName;
  #look = recalledLook(localStorage);
  #forget = make("button", { type: "button", class: "button", on: { click: () => this.#leave() } }, "Forget my name");
  #leave;
  #staff = make("fieldset", {}, make("legend", {}, "The room"));
  #poll = make("fieldset", {}, make("legend", {}, "Ask the room"));
  #dialog;

  /**
   * @param {object} room a ChatRoom
   * @param {object} acts {act(frame), changed(look), hasName(), leave()}: `leave` forgets who the
   *   viewer is, where that is kept here
   */
  constructor(room, { act, changed, hasName, leave }) {
    this.#room = room;
    this.#act = act;
    this.#changed = changed;
    this.#hasName = hasName;
    this.#leave = () => {
      this.#dialog.close();
      leave();
    };
    const look = make("fieldset", {}, make("legend", {}, "How you see it"),
      select("Size of the letters", Object.entries(SIZES), this.#look.size, (size) => this.#set({ size })),
      check("Show the time of each message", this.#look.times, (times) => this.#set({ times })),
      check("Show hearts over the picture", this.#look.hearts, (hearts) => this.#set({ hearts })),
    );
    this.#dialog = make("dialog", { class: "sheet", "aria-labelledby": "chatsettingstitle" },
      make("h2", { id: "chatsettingstitle" }, "Chat settings"), look, this.#staff, this.#poll, this.#forget,
      make("form", { method: "dialog" }, make("button", { class: "button primary", type: "submit" }, "Done")),
    );
  }

  get element() {
    return this.#dialog;
  }

  get look() {
    return this.#look;
  }

  open() {
    const { isStaff, modes } = this.#room;
    this.#staff.hidden = !isStaff;
    this.#poll.hidden = !isStaff;
    this.#forget.hidden = !this.#hasName();
    if (isStaff) {
      this.#fillModes(modes);
      this.#fillPoll();
    }
    this.#dialog.showModal();
  }

  #set(change) {
    this.#look = { ...this.#look, ...change };
    localStorage.setItem(KEY, JSON.stringify(this.#look));
    this.#changed(this.#look);
  }

  #fillModes(modes) {
    const known = SLOW.some(([seconds]) => seconds === modes.slow_s);
    const steps = known ? SLOW : [...SLOW, [modes.slow_s, spanWords(modes.slow_s * 1000)]].sort(([a], [b]) => a - b);
    const slow = select("One message each", steps, String(modes.slow_s), (value) => this.#mode({ slow_s: Number(value) }));
    const switches = Object.entries(SWITCHES).map(([name, label]) => check(label, modes[name], (on) => this.#mode({ [name]: on })));
    this.#staff.replaceChildren(this.#staff.firstChild, slow, ...switches);
  }

  #mode(change) {
    this.#act({ op: "mode", ...change });
  }

  #fillPoll() {
    const question = make("input", { type: "text", maxlength: "200" });
    const options = make("textarea", { rows: "3", maxlength: "800", placeholder: "One answer a line" });
    const seconds = select("It lasts", [[60, "1 minute"], [120, "2 minutes"], [300, "5 minutes"], [900, "15 minutes"]], "120", () => {});
    const ask = () => {
      const answers = options.value.split("\n").map((line) => line.trim().slice(0, 80)).filter(Boolean).slice(0, 10);
      if (question.value.trim() === "" || answers.length < 2) return;
      const span = Number(seconds.querySelector("select").value);
      this.#act({ op: "poll", question: question.value.trim(), options: answers, seconds: span });
      this.#dialog.close();
    };
    this.#poll.replaceChildren(this.#poll.firstChild,
      make("label", {}, "Question", question), make("label", {}, "Two to ten answers", options), seconds,
      make("button", { type: "button", class: "button", on: { click: ask } }, "Ask"),
    );
  }
}

function check(label, on, act) {
  const input = make("input", { type: "checkbox", on: { change: () => act(input.checked) } });
  input.checked = on;
  return make("label", { class: "check" }, input, make("span", {}, label));
}

function select(label, choices, value, act) {
  const options = choices.map(([id, name]) => make("option", { value: String(id), selected: String(id) === String(value) }, name));
  const field = make("select", { on: { change: () => act(field.value) } }, ...options);
  return make("label", {}, label, field);
}
