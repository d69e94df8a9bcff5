// What can be done with one message: a dialog, so that it works alike by pointer, touch and
// keyboard. What is offered depends on the rights; the server has the last word.

import { button, make } from "./elements.js";

const RANK = Object.freeze({ owner: 4, moderator: 3, bot: 2, subscriber: 1, viewer: 0 });
const TIMEOUTS = Object.freeze([["1 minute", 60], ["10 minutes", 600], ["1 hour", 3600], ["1 day", 86_400]]);
/** What the server finds again behind an `@`. */
const MENTIONABLE = /^[\p{L}\p{M}\p{N}_.-]{1,64}$/u;
/** How long people may take their own messages back. */
const OWN_DELETE_MS = 600_000;

export class MessageMenu {
  #room;
  #act;
  #reply;
  #mention;
  #list = make("div", { class: "choices" });
  #title = make("h2", { id: "messagemenutitle" });
  #quote = make("p", { class: "quiet quote" });
  #dialog = make("dialog", { class: "sheet", "aria-labelledby": "messagemenutitle", on: { click: (event) => this.#onClick(event) } },
    this.#title, this.#quote, this.#list,
    make("form", { method: "dialog" }, make("button", { class: "button", type: "submit" }, "Close")),
  );

  /** `act(frame)` asks the room for something; `reply(entry)` begins an answer, `mention` names. */
  constructor(room, { act, reply, mention }) {
    this.#room = room;
    this.#act = act;
    this.#reply = reply;
    this.#mention = mention;
  }

  get element() {
    return this.#dialog;
  }

  open(entry, serverNow) {
    this.#title.textContent = entry.user.name;
    this.#quote.textContent = entry.text;
    const items = choicesFor(entry, this.#room, serverNow).map(({ label, frame, danger }) => {
      const act = () => {
        this.#dialog.close();
        if (frame === "reply") this.#reply(entry);
        else if (frame === "mention") this.#mention(entry);
        else this.#act(frame);
      };
      return button(label, act, { class: danger ? "fault" : "" });
    });
    this.#list.replaceChildren(...items);
    this.#dialog.showModal();
  }

  #onClick(event) {
    if (event.target === this.#dialog) this.#dialog.close(); // beside it
  }
}

/**
 * @returns {{label: string, frame: object|"reply"|"mention", danger?: boolean}[]} what this viewer may try
 */
export function choicesFor(entry, room, serverNow) {
  const { you, isStaff, isOwner } = room;
  const own = you.id !== null && entry.user.id === you.id;
  const above = rank(you.roles) > rank(entry.user.roles ?? []);
  const user = entry.user.id;
  const choices = [];
  if (you.may_say) choices.push({ label: "Reply", frame: "reply" });
  if (you.may_say && !own && MENTIONABLE.test(entry.user.name)) choices.push({ label: "Mention", frame: "mention" });
  if ((own && serverNow - entry.t < OWN_DELETE_MS) || (isStaff && (own || above))) {
    choices.push({ label: "Delete", frame: { op: "delete", seq: entry.seq }, danger: true });
  }
  if (isStaff) choices.push({ label: "Pin above the chat", frame: { op: "pin", seq: entry.seq } });
  if (isStaff && above && !own) {
    for (const [span, seconds] of TIMEOUTS) {
      choices.push({ label: `Mute for ${span}`, frame: { op: "punish", act: "timeout", user, seconds }, danger: true });
    }
    choices.push(
      { label: "Ban", frame: { op: "punish", act: "ban", user }, danger: true },
      { label: "Ban without telling them", frame: { op: "punish", act: "shadow", user }, danger: true },
      { label: "Forgive: lift mute and ban", frame: { op: "punish", act: "pardon", user } },
    );
  }
  if (isOwner && above && !own) {
    const moderator = !(entry.user.roles ?? []).includes("moderator");
    choices.push({ label: moderator ? "Make a moderator" : "End being a moderator", frame: { op: "appoint", user, moderator } });
  }
  return choices;
}

function rank(roles) {
  return Math.max(0, ...roles.map((role) => RANK[role] ?? 0));
}
