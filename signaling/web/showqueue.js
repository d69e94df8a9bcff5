// A viewer's queue on stream time: entries of the room wait here until the viewer's own picture
// has come to their moment. Pure: `now` and the position come in, entries to show come out.
//
// The position is the moment of the stream (Unix ms) on the viewer's screen; null where nobody
// knows it, and then everything is shown as it arrives. Entries leave in the order of their
// numbers, and never past a hole: `wanted` says what must be fetched to fill it.

import { Ranges } from "./ranges.js";

/** Entries may be shown so much before their moment; a tick is no longer than that. */
const EARLY_MS = 50;
/** After a stall: so many a second at most, and what is older than this goes without notice. */
const CATCH_UP_PER_S = 50;
const SILENT_MS = 5000;
/** Later than this against the picture is catching up. */
const LATE_MS = 1000;
/** What is around a position that was jumped to. */
const BACK_MS = 30_000;
const AHEAD_MS = 60_000;
/** A hole is filled this long before the picture comes to it. */
const FILL_EARLY_MS = 10_000;
/** A position that falls by more, or grows by more than time does, was jumped to. */
const BACKWARD_MS = 1000;
const FORWARD_MS = 5000;

const MOST_WAITING = 2000;
const MOST_BYTES = 2_000_000;
const KEPT_SHOWN = 300;
const MOST_TRIES = 3;

export class ShowQueue {
  #cursor = null; // the last number that was shown or passed over; null until a place is known
  #head = 0; // the largest number that is known to be used
  #known = new Ranges();
  #skipped = new Ranges();
  #waiting = []; // {entry, bytes}, by number
  #shown = []; // the same, the last that were shown
  #bytes = 0;
  #budget = CATCH_UP_PER_S;
  #last = null; // {now, position} of the last release
  #silentUntil = -Infinity;
  #asked = null; // what `wanted` gave last, until it is answered
  #askedHead = 0;
  #tries = 0;
  #emptyUntil = null; // nothing was said up to this moment, as far as the place is not known

  /** Entries shown without a position, and entries dropped for want of room: to be fetched again. */
  unknown = 0;
  overflowed = 0;

  get size() {
    return this.#waiting.length;
  }

  /** Showing has come to this number; null while the place is not known. */
  get cursor() {
    return this.#cursor;
  }

  /** The first batch after this says where the room is. Up to `silentUntil` it is history. */
  begin(silentUntil = -Infinity) {
    Object.assign(this, { unknown: 0, overflowed: 0 });
    this.#cursor = null;
    this.#head = 0;
    this.#known = new Ranges();
    this.#skipped = new Ranges();
    this.#waiting = [];
    this.#shown = [];
    this.#bytes = 0;
    this.#asked = null;
    this.#emptyUntil = null;
    this.#silentUntil = silentUntil;
  }

  /** The room has come to this number. */
  noteHead(seq) {
    this.#head = Math.max(this.#head, seq);
  }

  /** A batch: all that this viewer gets of the numbers `first` to `last`. */
  add(entries, first, last, bytes = 0) {
    if (this.#cursor === null && this.#asked === null && this.#emptyUntil === null) this.#cursor = first - 1;
    const each = bytes / Math.max(1, entries.length);
    const fresh = entries.filter(({ seq }) => !this.#known.has(seq));
    this.#known.add(first, last);
    this.noteHead(last);
    if (fresh.length === 0) return;
    const inOrder = (this.#waiting.at(-1)?.entry.seq ?? 0) < fresh[0].seq;
    for (const entry of fresh) this.#waiting.push({ entry, bytes: each });
    if (!inOrder) this.#waiting.sort((a, b) => a.entry.seq - b.entry.seq);
    this.#bytes += each * fresh.length;
    this.#bound();
  }

  /** Numbers that nobody will ask for any more; the entry after them says so by its `gap`. */
  skip(first, last) {
    this.noteHead(last);
    if (first > last || this.#cursor === null) return; // nothing was shown that it would tear
    this.#known.add(first, last);
    this.#skipped.add(first, last);
  }

  /** What had the number `from` and later never was. */
  retract(from) {
    this.#waiting = this.#waiting.filter(({ entry }) => entry.seq < from);
    this.#shown = this.#shown.filter(({ entry }) => entry.seq < from);
    this.#bytes = this.#waiting.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#known.remove(from, Infinity);
    this.#skipped.remove(from, Infinity);
    this.#head = Math.min(this.#head, from - 1);
    if (this.#cursor !== null) this.#cursor = Math.min(this.#cursor, from - 1);
    this.#asked = null;
  }

  /**
   * What is to be shown now.
   *
   * @returns {{cleared: boolean, backTo: number|null,
   *   shown: {entry: object, silent: boolean, gap: boolean}[]}} `cleared`: what stands there belongs
   *   to another place; `backTo`: what stands there with a larger number is not yet due again;
   *   `gap`: something between the entry and the one before is missing for good
   */
  release(now, position) {
    const past = this.#last;
    this.#last = { now, position: position ?? past?.position ?? null };
    const elapsed = past ? Math.max(0, now - past.now) : 0;
    this.#budget = Math.min(CATCH_UP_PER_S, this.#budget + (elapsed * CATCH_UP_PER_S) / 1000);
    const result = { cleared: false, backTo: null, shown: [] };
    if (position !== null && past !== null && past.position !== null) {
      if (position < past.position - BACKWARD_MS) this.#goBack(position, result);
      else if (position > past.position + elapsed + FORWARD_MS) this.#goForward(position, result);
    }
    if (this.#cursor === null) this.#findPlace(position);
    if (this.#cursor !== null) this.#showDue(position, result);
    return result;
  }

  /** What must be fetched: {after} by number, {since, until} by stream time, or null. Ask once. */
  wanted(position) {
    if (this.#asked !== null) return null;
    const want = this.#cursor === null ? this.#wantedPlace(position) : this.#wantedHole(position);
    this.#asked = want;
    this.#askedHead = this.#head;
    return want;
  }

  /**
   * The answer to what was `asked`: all of the numbers up to `last`. `more`: it ends before what
   * was asked for. Where the place has changed meanwhile, it is too late.
   */
  page(asked, entries, { more, last = entries.at(-1)?.seq ?? 0, bytes = 0 }) {
    if (asked !== this.#asked) return;
    const end = more ? last : Math.max(last, this.#askedHead);
    if (asked.after !== undefined && end <= asked.after) return this.pageFailed(asked); // it leads nowhere
    this.#asked = null;
    this.#tries = 0;
    if (asked.after !== undefined) {
      this.add(entries, asked.after + 1, end, bytes);
    } else if (entries.length === 0) {
      this.#emptyUntil = asked.until;
    } else {
      if (this.#cursor === null) this.#cursor = entries[0].seq - 1;
      this.#emptyUntil = null;
      this.add(entries, entries[0].seq, last, bytes);
    }
  }

  /** What was wanted cannot be had now; after some tries it is given up. */
  pageFailed(asked) {
    if (asked !== this.#asked) return;
    this.#asked = null;
    this.#tries += 1;
    if (this.#tries < MOST_TRIES) return;
    this.#tries = 0;
    const next = this.#waiting.find(({ entry }) => entry.seq > (asked.after ?? 0))?.entry.seq;
    if (asked.after === undefined) this.#cursor = (next ?? this.#head + 1) - 1;
    else this.skip(asked.after + 1, (next ?? this.#head + 1) - 1);
    this.#emptyUntil = null;
  }

  #showDue(position, result) {
    const end = this.#known.endOf(this.#cursor + 1);
    const isDue = ({ entry }) => entry.seq <= end && (position === null || entry.t <= position + EARLY_MS);
    const due = this.#waiting.findIndex((item) => !isDue(item));
    const count = due < 0 ? this.#waiting.length : due;
    let taken = 0;
    for (; taken < count; taken += 1) {
      const { entry } = this.#waiting[taken];
      const silent = this.#isSilent(entry, position, count - taken);
      if (!silent && position !== null && entry.t < position - LATE_MS) {
        if (this.#budget < 1) break;
        this.#budget -= 1;
      }
      if (position === null) this.unknown += 1;
      const gap = this.#skipped.meets(0, entry.seq);
      if (gap) this.#skipped.remove(0, entry.seq);
      result.shown.push({ entry, silent, gap });
    }
    const gone = this.#waiting.splice(0, taken);
    for (const { bytes } of gone) this.#bytes -= bytes;
    this.#shown.push(...gone);
    this.#forgetShown();
    const next = this.#waiting[0]?.entry.seq ?? Infinity;
    if (next > end) this.#cursor = Math.max(this.#cursor, end); // the rest is not for this viewer
    else if (taken > 0) this.#cursor = gone.at(-1).entry.seq;
  }

  /** More than a catch-up can clear in its time is not worth a look each. */
  #isSilent(entry, position, left) {
    if (entry.t <= this.#silentUntil) return true;
    if (position === null) return false;
    return entry.t < position - SILENT_MS || left > (CATCH_UP_PER_S * SILENT_MS) / 1000;
  }

  // --- jumps

  #goBack(position, result) {
    const keep = this.#shown.findLastIndex(({ entry }) => entry.t <= position + EARLY_MS);
    const again = this.#shown.splice(keep + 1);
    this.#waiting.unshift(...again);
    for (const { bytes } of again) this.#bytes += bytes;
    this.#silentUntil = position;
    if (keep >= 0) {
      this.#cursor = this.#shown[keep].entry.seq;
      result.backTo = this.#cursor;
    } else this.#relocate(position, result);
    this.#bound();
  }

  /** All that is between may be here: then it is caught up with. Else the place is a new one. */
  #goForward(position, result) {
    if (this.#cursor === null) return this.#relocate(position, result);
    const end = this.#known.endOf(this.#cursor + 1);
    const reach = this.#waiting.findLast(({ entry }) => entry.seq <= end)?.entry.t ?? -Infinity;
    if (end < this.#head && reach < position) this.#relocate(position, result);
  }

  #relocate(position, result) {
    const since = position - BACK_MS;
    const at = this.#waiting.findLastIndex(({ entry }) => entry.t <= since);
    this.#asked = null;
    this.#emptyUntil = null;
    this.#shown = [];
    this.#silentUntil = position;
    this.#skipped = new Ranges();
    result.cleared = true;
    if (at >= 0 && this.#wholeFrom(this.#waiting[at].entry.seq, position)) {
      this.#cursor = this.#waiting[at].entry.seq;
      for (const { bytes } of this.#waiting.splice(0, at + 1)) this.#bytes -= bytes;
      return;
    }
    const before = this.#waiting.splice(0, at + 1);
    for (const { bytes } of before) this.#bytes -= bytes;
    if (before.length > 0) this.#known.remove(0, before.at(-1).entry.seq);
    this.#cursor = null;
    this.#emptyUntil = since;
  }

  #wholeFrom(seq, position) {
    const end = this.#known.endOf(seq);
    if (end >= this.#head) return true;
    return this.#waiting.some(({ entry }) => entry.seq <= end && entry.t > position);
  }

  #wantedPlace(position) {
    if (this.#emptyUntil === null || position === null) return null;
    if (this.#emptyUntil > position + FILL_EARLY_MS) return null;
    const since = Math.max(this.#emptyUntil, position - BACK_MS);
    return { since, until: Math.max(since, position) + AHEAD_MS };
  }

  #wantedHole(position) {
    const end = this.#known.endOf(this.#cursor + 1);
    if (end >= this.#head) return null;
    const last = this.#waiting.findLast(({ entry }) => entry.seq <= end)?.entry;
    const soon = position === null || last === undefined || last.t <= position + FILL_EARLY_MS;
    return soon ? { after: end } : null;
  }

  /** Nothing was said up to a moment that lies behind the first entry that waits: it is the next. */
  #findPlace(position) {
    if (this.#emptyUntil === null || this.#asked !== null) return;
    const first = this.#waiting[0]?.entry;
    if (position === null) this.#cursor = (first?.seq ?? this.#head + 1) - 1;
    else if (first !== undefined && first.t <= this.#emptyUntil) this.#cursor = first.seq - 1;
    if (this.#cursor !== null) this.#emptyUntil = null;
  }

  // --- bounds

  /** What lies between the next entries and the newest is the first to go: it can be fetched. */
  #bound() {
    while (this.#waiting.length > MOST_WAITING || this.#bytes > MOST_BYTES) {
      const { length } = this.#waiting;
      const from = Math.floor((length * 3) / 4);
      const gone = this.#waiting.splice(from, Math.max(1, length >> 4));
      if (gone.length === 0) return;
      for (const { bytes } of gone) this.#bytes -= bytes;
      this.overflowed += gone.length;
      this.#known.remove(gone[0].entry.seq, gone.at(-1).entry.seq);
    }
  }

  #forgetShown() {
    const gone = this.#shown.splice(0, Math.max(0, this.#shown.length - KEPT_SHOWN));
    if (gone.length > 0) this.#known.remove(0, gone.at(-1).entry.seq);
  }
}
