// What a screen reader is told of a busy room: one short summary each five seconds at most. Pure.

const EVERY_MS = 5000;
const WORDS = 120;

export class Announcer {
  #messages = 0;
  #last = null;
  #urgent = [];
  #saidAt = -Infinity;

  /** A message came into view. */
  note(name, text) {
    this.#messages += 1;
    this.#last = `${name}: ${text}`.slice(0, WORDS);
  }

  /** Something that is worth its own words: a donation, a mention of the reader. */
  noteUrgent(text) {
    this.#urgent.push(text.slice(0, WORDS));
    if (this.#urgent.length > 3) this.#urgent.shift();
  }

  /** The words to say now, or null. */
  take(now) {
    if (now - this.#saidAt < EVERY_MS || (this.#messages === 0 && this.#urgent.length === 0)) return null;
    this.#saidAt = now;
    const parts = [...this.#urgent];
    if (this.#messages === 1) parts.push(this.#last);
    else if (this.#messages > 1) parts.push(`${this.#messages} new messages. ${this.#last}`);
    this.#messages = 0;
    this.#urgent = [];
    return parts.join(". ");
  }
}
