// What moderators took away: messages by their number, and all that a person said before a clear,
// a timeout or a ban. Pure. It acts at once, on what is shown and on what still waits.

const MOST = 5000;
/** Acts that take a person's earlier messages away. */
const SWEEPS = new Set(["clear", "timeout", "ban"]);

export class Removals {
  #deleted = new Map(); // number of the message -> who deleted it
  #swept = new Map(); // person -> number of the last act against them

  /** Whether the entry took something away. Others are none of our business. */
  take({ kind, seq, of, by, user, shadow }) {
    if (kind === "delete") put(this.#deleted, of, by ?? "");
    else if (SWEEPS.has(kind) && shadow !== true) put(this.#swept, user, Math.max(seq, this.#swept.get(user) ?? 0));
    else return false;
    return true;
  }

  /** Nothing from this number on happened. */
  retract(from) {
    for (const [user, seq] of this.#swept) if (seq >= from) this.#swept.delete(user);
  }

  /** "deleted" where one message was taken away, "swept" with all of its sender's, or null. */
  of({ seq, user }) {
    if ((this.#swept.get(user?.id) ?? 0) > seq) return "swept";
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
