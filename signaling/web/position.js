// The moment of the stream (Unix ms, server's clock) that is on the viewer's screen. Pure.
//
// HLS says it by itself. Over WebRTC the browser derives it from the server's sender reports; where
// it does not, half a round trip and the jitter buffer are what lies between the server and here.

const NTP_TO_UNIX_MS = 2_208_988_800_000;
const SAMPLES = 5;
/** No viewer by WebRTC is so far behind: the figure is wrong. */
const MOST_DELAY_MS = 15_000;
/** A picture from the future: its clock is not ours. */
const AHEAD_MS = 250;
/** So long the last position is held while nobody knows a new one, as between two sessions. */
const HELD_MS = 30_000;
const WATCHING = ["connecting", "playing", "reconnecting"];

export class PlayerPosition {
  #delays = [];
  #source = null;
  #held = null; // {position, at}

  /** Take the figures of stats.js, of this moment on the server's clock. */
  take({ playoutNtpMs, jitterBufferMs, rttMs }, serverNow) {
    const played = Number.isFinite(playoutNtpMs) && playoutNtpMs > 0 ? serverNow - (playoutNtpMs - NTP_TO_UNIX_MS) : NaN;
    if (isPlausible(played)) this.#add(played, "rtcp");
    else if (Number.isFinite(jitterBufferMs) && Number.isFinite(rttMs) && this.#source !== "rtcp") {
      this.#add(rttMs / 2 + jitterBufferMs, "estimate");
    }
  }

  /** Another session begins: what was learned of the last one is void, but the place is not left. */
  reset() {
    this.#delays = [];
    this.#source = null;
  }

  /**
   * @param {object} player
   * @param {string} player.state as in states.js
   * @param {boolean} player.paused the viewer stopped the picture
   * @param {number|null} player.playingMs what HLS says; undefined over WebRTC
   * @returns {number|null} null: nobody knows, or nothing plays
   */
  at({ state, paused, playingMs }, serverNow) {
    if (!WATCHING.includes(state)) {
      this.#held = null;
      return null;
    }
    // The element of HLS stands still by itself; a connection's clock does not.
    const moves = playingMs !== undefined || (state === "playing" && !paused);
    const told = moves && state !== "connecting" ? (playingMs === undefined ? this.#live(serverNow) : playingMs) : null;
    if (told !== null) this.#held = told <= serverNow + AHEAD_MS ? { position: told, at: serverNow } : null;
    if (this.#held === null || (moves && serverNow - this.#held.at > HELD_MS)) return null;
    return this.#held.position;
  }

  #live(serverNow) {
    if (this.#delays.length === 0) return null;
    const sorted = [...this.#delays].sort((a, b) => a - b);
    return serverNow - sorted[sorted.length >> 1];
  }

  #add(delay, source) {
    if (source !== this.#source) this.#delays = [];
    this.#source = source;
    this.#delays.push(delay);
    if (this.#delays.length > SAMPLES) this.#delays.shift();
  }
}

function isPlausible(delay) {
  return delay > -AHEAD_MS && delay < MOST_DELAY_MS;
}
