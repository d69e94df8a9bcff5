// How long a player may stand still although pictures are sent. Knows no clock.

/** Then a new session is tried; a player that it does not help gets twice as long each time. */
const STUCK_MS = 20_000;
const MOST_DOUBLINGS = 4;

/** Times are in ms, of whatever clock the caller keeps to. */
export class Patience {
  #since = 0;
  #tries = 0;

  /** Pictures should come from now on. */
  begin(nowMs) {
    this.#since = nowMs;
  }

  /** They do. */
  moved(nowMs) {
    this.#since = nowMs;
    this.#tries = 0;
  }

  /** Whether it has lasted too long; it begins anew then. */
  isOver(nowMs) {
    if (nowMs - this.#since < STUCK_MS * 2 ** Math.min(this.#tries, MOST_DOUBLINGS)) return false;
    this.#tries += 1;
    this.#since = nowMs;
    return true;
  }
}
