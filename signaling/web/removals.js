// What was taken away: messages by their number, all that a person said before a clear, a timeout
// or a ban, and what was erased with a recording. Pure. It acts at once, on what is shown and on
// what still waits.

const MOST = 5000;
/** Acts that take a person's earlier messages away. */
const SWEEPS = new Set(["clear", "timeout", "ban"]);

export class Removals {
  #deleted = new Map(); // number of the message -> who deleted it
  #swept = new Map(); // person -> number of the last act against them
  #erased = new Map(); // number of the act -> [first, last]

  /** Whether the entry took something away. Others are none of our business. */
  take({ kind, seq, of, by, user, shadow, first, last }) {
    if (kind === "erase") put(this.#erased, seq, [first, last]);
    else if (kind === "delete") put(this.#deleted, of, by ?? "");
    else if (SWEEPS.has(kind) && shadow !== true) put(this.#swept, user, Math.max(seq, this.#swept.get(user) ?? 0));
    else return false;
    return true;
  }

  /** Nothing from this number on happened. */
  retract(from) {
    for (const [user, seq] of this.#swept) if (seq >= from) this.#swept.delete(user);
    for (const seq of this.#erased.keys()) if (seq >= from) this.#erased.delete(seq);
  }

  /** "deleted" where one message was taken away, "swept" with many others, or null. */
  of({ seq, user }) {
    if ((this.#swept.get(user?.id) ?? 0) > seq) return "swept";
    for (const [first, last] of this.#erased.values()) if (first <= seq && seq <= last) return "swept";
    return this.#deleted.has(seq) ? "deleted" : null;
  }

  /** Who deleted the message. */
  byOf({ seq }) {
    return this.#deleted.get(seq) ?? "";
  }
}

function put(map, key, value) {
  map.delete(key);
  map.set(key, value);
  if (map.size > MOST) map.delete(map.keys().next().value);
}
