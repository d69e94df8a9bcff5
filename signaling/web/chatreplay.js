// The room of a recorded broadcast, as the picture comes to each entry. Pure: the position comes in,
// lines to show come out, and `wanted` says what to fetch.
//
// What was said is fetched in windows of a minute, ahead of the picture. After a jump the list is
// empty until the last lines before the new place are known, and then shows these at once.

const WINDOW_MS = 60_000;
/** So many lines stand there after a jump, from so many windows back at most. */
const LEAD = 50;
const MOST_BACK = 6;
const KEPT_WINDOWS = 10;
const EARLY_MS = 50;
/** The position went on by more than playing explains, or back: it was a jump. */
const FORWARD_MS = 1500;
const BACKWARD_MS = 250;
/** What came so late that it is not worth an animation. */
const SILENT_MS = 3000;
/** More lines at once nobody can read: the last ones stand for all. */
const MOST_AT_ONCE = 40;
const RETRY_MS = 3000;
const ROWS = new Set(["message", "alert"]);

export class ChatReplay {
  #durationMs;
  #windows = new Map(); // number -> {items: [{at, entry}], next, done}
  #cursor = -1; // everything up to this moment was shown
  #filling = true;
  #last = null; // {now, position, rate} of the last advance
  #asked = null;
  #restUntil = -Infinity;

  constructor(durationMs) {
    this.#durationMs = durationMs;
  }

  /** Lines that are known and not shown yet. */
  get waiting() {
    let count = 0;
    for (const { items } of this.#windows.values()) count += items.filter(({ at }) => at > this.#cursor).length;
    return count;
  }

  /** Whether the place is known, and what was said before it. */
  get isReady() {
    return !this.#filling;
  }

  /**
   * What is to be shown now.
   *
   * @param {number} position VOD time in ms
   * @param {number} now ms of a clock that only goes forward
   * @param {number} rate how fast it plays
   * @returns {{cleared: boolean, shown: {entry: object, silent: boolean, gap: boolean}[]}}
   */
  advance(position, now, rate = 1) {
    const cleared = this.#jumped(position, now);
    this.#last = { now, position, rate };
    if (cleared) this.#filling = true;
    if (this.#filling) return { cleared, shown: this.#fill(position) };
    const until = Math.min(position + EARLY_MS, this.#reach(this.#cursor));
    const due = this.#between(this.#cursor, until);
    this.#cursor = Math.max(this.#cursor, until);
    const shown = due.slice(-MOST_AT_ONCE).map(({ at, entry }) => ({
      entry,
      silent: at < position - SILENT_MS * rate,
      gap: false,
    }));
    return { cleared, shown };
  }

  /** What must be fetched next: {number, from, to, after}, or null. Ask once. */
  wanted(position, now) {
    if (this.#asked !== null || now < this.#restUntil) return null;
    const number = this.#missing(position);
    if (number === null) return null;
    const from = number * WINDOW_MS;
    const to = Math.min(from + WINDOW_MS, this.#durationMs + 1);
    this.#asked = { number, from, to, after: this.#windows.get(number)?.next ?? null };
    return this.#asked;
  }

  /** The answer to what was `asked`. */
  page(asked, { items, next }) {
    if (asked !== this.#asked) return;
    this.#asked = null;
    const window = this.#windows.get(asked.number) ?? { items: [] };
    const rows = items.filter(({ entry }) => ROWS.has(entry.kind)).map(({ at_ms: at, entry }) => ({ at, entry }));
    window.items = [...window.items, ...rows];
    // A page may be empty and not the last one: what was on it is not for viewers.
    window.done = !Number.isFinite(next) || next <= (asked.after ?? -1);
    window.next = window.done ? null : next;
    // Others of the same moment may stand on the next page.
    if (window.done) window.reach = (asked.number + 1) * WINDOW_MS - 1;
    else if (items.length > 0) window.reach = items.at(-1).at_ms - 1;
    this.#windows.set(asked.number, window);
    this.#forget(asked.number);
  }

  /** What was wanted cannot be had now. */
  pageFailed(asked, now) {
    if (asked !== this.#asked) return;
    this.#asked = null;
    this.#restUntil = now + RETRY_MS;
  }

  #jumped(position, now) {
    if (this.#last === null) return false;
    const played = Math.max(0, now - this.#last.now) * this.#last.rate;
    const step = position - this.#last.position;
    return step < -BACKWARD_MS || step > played + FORWARD_MS;
  }

  /** The last lines before a place, once they are known. */
  #fill(position) {
    const here = this.#numberAt(position);
    if (this.#reachOf(here) < Math.min(position, this.#durationMs)) return [];
    let rows = this.#rowsOf(here).filter(({ at }) => at <= position);
    for (let number = here - 1; this.#wantsBefore(number, here, rows.length); number -= 1) {
      if (!this.#windows.get(number)?.done) return [];
      rows = [...this.#rowsOf(number), ...rows];
    }
    this.#filling = false;
    this.#cursor = position;
    return rows.slice(-LEAD).map(({ entry }) => ({ entry, silent: true, gap: false }));
  }

  #wantsBefore(number, here, known) {
    return number >= 0 && known < LEAD && here - number <= MOST_BACK;
  }

  /** Number of the window that is needed first; null where nothing is missing. */
  #missing(position) {
    const here = this.#numberAt(position);
    if (!this.#windows.get(here)?.done) return here;
    if (this.#filling) {
      let known = this.#rowsOf(here).filter(({ at }) => at <= position).length;
      for (let number = here - 1; this.#wantsBefore(number, here, known); number -= 1) {
        if (!this.#windows.get(number)?.done) return number;
        known += this.#rowsOf(number).length;
      }
    }
    const after = here + 1;
    return after <= this.#numberAt(this.#durationMs) && !this.#windows.get(after)?.done ? after : null;
  }

  #numberAt(ms) {
    return Math.floor(Math.min(Math.max(0, ms), this.#durationMs) / WINDOW_MS);
  }

  #rowsOf(number) {
    return this.#windows.get(number)?.items ?? [];
  }

  /** Everything up to this moment of the window is known. */
  #reachOf(number) {
    return this.#windows.get(number)?.reach ?? number * WINDOW_MS - 1;
  }

  /** Everything from a moment up to this one is known. */
  #reach(from) {
    let number = Math.floor((Math.max(-1, from) + 1) / WINDOW_MS);
    while (this.#windows.get(number)?.done) number += 1;
    return this.#reachOf(number);
  }

  #between(after, until) {
    const rows = [];
    for (let number = Math.floor(Math.max(0, after) / WINDOW_MS); number * WINDOW_MS <= until; number += 1) {
      rows.push(...this.#rowsOf(number).filter(({ at }) => at > after && at <= until));
    }
    return rows;
  }

  #forget(around) {
    const far = (number) => Math.abs(number - around);
    const numbers = [...this.#windows.keys()].sort((a, b) => far(a) - far(b));
    for (const number of numbers.slice(KEPT_WINDOWS)) this.#windows.delete(number);
  }
}
