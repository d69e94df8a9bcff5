// A room as this viewer sees it: frames of the server go in, and what is to be drawn comes out.
// Pure: the clock and the viewer's position are arguments.
//
// Messages, alerts, polls, pins and goals belong to a moment of the stream and wait for it. What
// moderators do to messages and people, and how the room talks, counts at once.

import { echoParts } from "./chatparts.js";
import { HeartQueue } from "./reactions.js";
import { Removals } from "./removals.js";
import { ShowQueue } from "./showqueue.js";

const NO_MODES = Object.freeze({
  slow_s: 0, subscribers_only: false, emote_only: false, unique: false, links: true, hold: false,
});
const NOBODY = Object.freeze({ id: null, name: "", roles: [], may_say: false });
/** A hole that is larger is said, not filled. */
const MOST_FILLED = 500;
const MOST_HELD = 100;
/** More than a list keeps are not drawn one by one. */
const MOST_AT_ONCE = 300;
/** So long after its moment an own message that did not come is put where it belongs by ourselves. */
const OWN_PATIENCE_MS = 1500;

export class ChatRoom {
  #queue = new ShowQueue();
  #hearts = new HeartQueue();
  #removals = new Removals();
  #stateSeq = 0; // the server told the state as of this number
  #modeSeq = 0;
  #welcomed = false;
  #removed = false;
  #backTo = null;
  #spoke = false;
  #torn = false; // something is missing before the next line

  you = NOBODY;
  modes = NO_MODES;
  pin = null;
  poll = null;
  goal = null;
  people = null; // {count, exact}
  emotes = {};
  limits = {};
  /** What waits for a moderator, by number. */
  held = new Map();
  /** Own messages that are not in the log yet: id -> {id, text, reply, state, error}. */
  echoes = new Map();
  /** Set where the server sends a choice of the messages only: so many there are. */
  sampled = false;

  get isStaff() {
    return this.you.roles.includes("owner") || this.you.roles.includes("moderator");
  }

  /** Whether the server has told anything yet. */
  get isKnown() {
    return this.#welcomed;
  }

  get isOwner() {
    return this.you.roles.includes("owner");
  }

  /** For tests and the curious. */
  get figures() {
    const { size, unknown, overflowed } = this.#queue;
    return { waiting: size, unknown, overflowed };
  }

  /**
   * A frame of the server that is no answer. `position`: the moment on the viewer's screen, or null.
   */
  take(frame, bytes, position) {
    this.#spoke = true;
    switch (frame.op) {
      case "welcome":
        return this.#welcome(frame, position);
      case "batch":
        this.sampled = frame.of > frame.items.filter(({ kind }) => kind === "message").length;
        return this.#batch(frame, bytes);
      case "gap":
        return this.#gap(frame);
      case "retract":
        return this.#retract(frame);
      case "hearts":
        return this.#hearts.add(frame.sums);
      case "presence":
        this.people = { count: frame.people, exact: frame.exact };
        return undefined;
      case "tally":
        if (this.poll?.id === frame.poll) this.poll = { ...this.poll, votes: frame.votes };
        return undefined;
      case "you":
        this.you = frame.you;
        return undefined;
      default:
        return undefined; // a later version's: not for us
    }
  }

  /** The answer to `want`, which `wanted` asked for. */
  page(want, { items, ...rest }) {
    for (const entry of items) this.#atOnce(entry);
    this.#queue.page(want, items, rest);
  }

  pageFailed(want) {
    this.#queue.pageFailed(want);
  }

  wanted(position) {
    return this.#welcomed ? this.#queue.wanted(position) : null;
  }

  /**
   * What is to be drawn now.
   *
   * @returns {{cleared: boolean, backTo: number|null, removed: boolean, changed: boolean,
   *   shown: {entry: object, silent: boolean, gap: boolean}[],
   *   hearts: {emote: string, n: number}[]}} as ShowQueue.release; `removed`: something that was
   *   shown may be taken away now; `changed`: anything but messages
   */
  advance(now, position) {
    const { cleared, backTo, shown } = this.#queue.release(now, position);
    if (cleared) this.#torn = false;
    const lines = [];
    for (const { entry, silent, gap } of shown) {
      this.#onTime(entry);
      this.#torn ||= gap;
      const echoed = entry.kind === "message" && entry.user?.id === this.you.id && this.echoes.delete(entry.id);
      if (echoed) this.#spoke = true;
      if (!isRow(entry) || this.#removals.of(entry) === "swept") continue;
      lines.push({ entry, silent, gap: this.#torn });
      this.#torn = false;
    }
    lines.push(...this.#ownLeftOut(position));
    const tooMany = lines.splice(0, Math.max(0, lines.length - MOST_AT_ONCE));
    if (tooMany.length > 0) lines[0] = { ...lines[0], gap: true };
    const result = {
      cleared,
      backTo: least(backTo, this.#backTo),
      removed: this.#removed,
      changed: this.#spoke || shown.length > 0,
      shown: lines,
      hearts: this.#hearts.due(position),
    };
    this.#backTo = null;
    this.#removed = false;
    this.#spoke = false;
    return result;
  }

  /** "deleted", "swept" or null. */
  removalOf(entry) {
    return this.#removals.of(entry);
  }

  deletedBy(entry) {
    return this.#removals.byOf(entry);
  }

  // --- own messages

  echo(id, text, reply) {
    this.echoes.set(id, { id, text, reply, state: "sending", error: null });
    this.#spoke = true;
  }

  /** The server took it, as this entry. It waits for a moderator where `held`. */
  acked(id, { seq, t, held = false }) {
    const echo = this.echoes.get(id);
    if (echo) Object.assign(echo, held ? { state: "held" } : { state: "sent", seq, t });
    this.#spoke = true;
  }

  refused(id, error) {
    const echo = this.echoes.get(id);
    if (echo) Object.assign(echo, { state: "refused", error });
    this.#spoke = true;
  }

  forget(id) {
    this.#spoke = this.echoes.delete(id) || this.#spoke;
  }

  /** A room that shows a choice of its messages leaves out own ones as well. */
  #ownLeftOut(position) {
    const left = [];
    for (const { id, text, reply, state, seq, t } of this.echoes.values()) {
      const passed = state === "sent" && seq <= (this.#queue.cursor ?? -1);
      if (!passed || (position !== null && position < t + OWN_PATIENCE_MS)) continue;
      this.echoes.delete(id);
      this.#spoke = true;
      const { id: user, name, roles } = this.you;
      const parts = echoParts(text, this.emotes);
      const entry = { kind: "message", seq, t, id, user: { id: user, name, roles }, text, parts, reply: reply ?? undefined };
      left.push({ entry, silent: true, gap: false });
    }
    return left;
  }

  react(emote, n) {
    this.#hearts.own(emote, n);
  }

  // --- frames

  #welcome({ seq, recovered, you, state, limits, now }, position) {
    Object.assign(this, { you, limits });
    const { modes, pin, poll, goal, people, people_exact: exact, emotes } = state;
    Object.assign(this, { modes, pin, poll, goal, emotes, people: { count: people, exact } });
    this.#stateSeq = seq;
    this.#modeSeq = seq;
    if (!recovered && this.#queue.cursor === null) this.#queue.begin(position ?? now);
    this.#queue.noteHead(seq);
    this.#welcomed = true;
  }

  #batch({ items, first, last }, bytes) {
    for (const entry of items) this.#atOnce(entry);
    this.#queue.add(items, first, last, bytes);
  }

  #gap({ from, to }) {
    if (to - from < MOST_FILLED) this.#queue.noteHead(to);
    else this.#queue.skip(from, to);
  }

  #retract({ from }) {
    if (from <= 1) this.#queue.begin(); // nothing of what we had counts: what follows is the room
    else this.#queue.retract(from);
    this.#removals.retract(from);
    this.#stateSeq = Math.min(this.#stateSeq, from - 1);
    this.#modeSeq = Math.min(this.#modeSeq, from - 1);
    this.#backTo = least(this.#backTo, from - 1);
    for (const seq of this.held.keys()) if (seq >= from) this.held.delete(seq);
  }

  #atOnce(entry) {
    if (this.#removals.take(entry)) this.#removed = true;
    if (entry.kind === "held") {
      this.held.set(entry.seq, entry);
      if (this.held.size > MOST_HELD) this.held.delete(this.held.keys().next().value);
    }
    if (entry.kind === "settled") this.held.delete(entry.held);
    if (entry.kind === "erase") this.#erase(entry);
    if (entry.kind === "mode" && entry.seq > this.#modeSeq) {
      this.#modeSeq = entry.seq;
      const { slow_s, subscribers_only, emote_only, unique, links, hold } = entry;
      this.modes = { slow_s, subscribers_only, emote_only, unique, links, hold };
    }
  }

  /** What people wrote under these numbers is gone for good. */
  #erase({ seq, first, last, pin }) {
    for (const number of this.held.keys()) if (first <= number && number <= last) this.held.delete(number);
    if (pin > 0 && seq > this.#stateSeq) this.pin = null;
  }

  #onTime(entry) {
    if (entry.seq <= this.#stateSeq) return; // history, which the state has long taken in
    switch (entry.kind) {
      case "pin":
        this.pin = entry.entry ?? null;
        break;
      case "poll":
        this.poll = {
          id: entry.seq, question: entry.question, options: entry.options,
          votes: entry.options.map(() => 0), until: entry.until,
        };
        break;
      case "poll_end":
        if (this.poll?.id === entry.poll) this.poll = { ...this.poll, votes: entry.votes, ended: true };
        break;
      case "goal":
        this.goal = entry;
        break;
    }
  }
}

const ROWS = new Set(["message", "alert"]);
const STAFF_ROWS = new Set(["timeout", "ban", "unban", "mode"]);

/** What gets a line of its own among the messages. */
function isRow({ kind, shadow }) {
  return ROWS.has(kind) || (STAFF_ROWS.has(kind) && shadow !== true);
}

function least(a, b) {
  return a === null ? b : b === null ? a : Math.min(a, b);
}
