// Stalls as a viewer sees them: the picture should move and does not.

/** A position that stands still for so long is a stall; less is the coarseness of looking. */
const STANDS_MS = 300;
/** So many within this span are more than bad luck. */
const OFTEN = 3;
const SPAN_MS = 60_000;

/** Told of the position now and then; knows no clock and no element. Times in ms. */
export class StallMeter {
  #position = null;
  #movedAt = null;
  #begun = null;
  #ended = 0;
  #starts = [];

  count = 0;

  /** How long the present stall lasts; 0 when there is none. */
  lasting(nowMs) {
    return this.#begun === null ? 0 : nowMs - this.#begun;
  }

  /** All stalls together, the present one included. */
  total(nowMs) {
    return this.#ended + this.lasting(nowMs);
  }

  /** Whether they come so often that something has to change. */
  often(nowMs) {
    return this.#starts.filter((at) => nowMs - at < SPAN_MS).length >= OFTEN;
  }

  /**
   * @param {number} nowMs
   * @param {number} position where playback is, in any unit
   * @param {boolean} resting it need not move: paused, seeking, ended, or nothing was shown yet
   * @returns {boolean} whether it moved since the last look
   */
  look(nowMs, position, resting) {
    const moved = this.#position !== null && position !== this.#position;
    this.#position = position;
    if (moved || resting || this.#movedAt === null) {
      this.#end(nowMs);
      this.#movedAt = nowMs;
      return moved && !resting;
    }
    if (this.#begun === null && nowMs - this.#movedAt >= STANDS_MS) {
      this.#begun = this.#movedAt;
      this.count += 1;
      this.#starts.push(this.#begun);
      if (this.#starts.length > OFTEN) this.#starts.shift();
    }
    return false;
  }

  #end(nowMs) {
    this.#ended += this.lasting(nowMs);
    this.#begun = null;
  }
}
