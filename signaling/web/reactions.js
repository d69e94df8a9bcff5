// Hearts and the like, on their way out and on their way in. Pure. Outgoing ones are summed for a
// moment; incoming ones are sums of one second of the stream, and wait for that second.

/** So many in one frame, as the room's protocol has it. */
const MOST_IN_ONE = 20;
/** What is over for longer is not drawn any more; what comes after a stall is drawn at once, summed. */
const OLD_MS = 5000;
const MOST_WAITING = 600;

/** Clicks, until the next frame goes out. */
export class HeartSum {
  #counts = new Map();

  add(emote) {
    this.#counts.set(emote, Math.min(MOST_IN_ONE, (this.#counts.get(emote) ?? 0) + 1));
  }

  /** [{emote, n}] since the last call. */
  take() {
    const taken = Array.from(this.#counts, ([emote, n]) => ({ emote, n }));
    this.#counts.clear();
    return taken;
  }
}

export class HeartQueue {
  #waiting = new Map(); // beginning of a second of the stream, Unix ms -> Map(emote -> n)
  #own = new Map(); // emote -> drawn already when they were clicked

  /** `sums` as in the protocol: [beginning of a second of the stream, emote, n]. */
  add(sums) {
    for (const [moment, emote, n] of sums) {
      const others = this.#withoutOwn(emote, n);
      if (others === 0) continue;
      if (!this.#waiting.has(moment)) this.#waiting.set(moment, new Map());
      const counts = this.#waiting.get(moment);
      counts.set(emote, (counts.get(emote) ?? 0) + others);
    }
    while (this.#waiting.size > MOST_WAITING) this.#waiting.delete(this.#waiting.keys().next().value);
  }

  /** Own ones were drawn at once: they must not come twice. */
  own(emote, n) {
    this.#own.set(emote, Math.min(MOST_IN_ONE, (this.#own.get(emote) ?? 0) + n)); // some get lost
  }

  /** [{emote, n}] whose second is on the screen; all of them where nobody knows the position. */
  due(position) {
    const sums = new Map();
    for (const [moment, counts] of this.#waiting) {
      if (position !== null && moment > position) continue;
      this.#waiting.delete(moment);
      if (position !== null && moment < position - OLD_MS) continue;
      for (const [emote, n] of counts) sums.set(emote, (sums.get(emote) ?? 0) + n);
    }
    return Array.from(sums, ([emote, n]) => ({ emote, n }));
  }

  #withoutOwn(emote, n) {
    const own = Math.min(n, this.#own.get(emote) ?? 0);
    if (own > 0) this.#own.set(emote, this.#own.get(emote) - own);
    return n - own;
  }
}
