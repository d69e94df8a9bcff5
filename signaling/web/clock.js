// The server's clock, as seen from here: the measure for latency and for stream time.

import { getJson } from "./problem.js";

const PINGS = 5;
const REPEAT_MS = 60_000;

/**
 * The sample that bounds the offset best: the one with the shortest round trip, since its error
 * is at most half of it.
 *
 * @param {{sent: number, received: number, server: number}[]} samples ms; sent and received on
 *   the local clock, server on the server's
 * @returns {{offset: number, rtt: number}|null} server = local + offset, error <= rtt / 2
 */
export function bestSample(samples) {
  let best = null;
  for (const { sent, received, server } of samples) {
    const rtt = received - sent;
    if (rtt < 0 || (best && rtt >= best.rtt)) continue;
    best = { offset: server - (sent + received) / 2, rtt };
  }
  return best;
}

/** Keeps the offset to `/api/time`, renewed each minute. Local time is the page's monotonic one. */
export class ServerClock {
  #url;
  #offset = performance.timeOrigin; // until the first answer: our own clock's word
  #timer = null;

  /** Half of the best round trip in ms, or null before the first answer. */
  uncertaintyMs = null;

  constructor(url = "/api/time") {
    this.#url = url;
  }

  start() {
    if (this.#timer !== null) return;
    this.#timer = setInterval(() => this.#sync(), REPEAT_MS);
    this.#sync();
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = null;
  }

  /** Unix ms on the server's clock at `local` (a performance.now() time). */
  at(local = performance.now()) {
    return local + this.#offset;
  }

  async #sync() {
    const samples = [];
    for (let i = 0; i < PINGS; i += 1) {
      const sent = performance.now();
      try {
        const { now_ms: server } = await getJson(this.#url, { timeoutMs: 3000 });
        if (Number.isFinite(server)) samples.push({ sent, received: performance.now(), server });
      } catch {
        break; // the next round is a minute away; the old offset stays
      }
    }
    const best = bestSample(samples);
    if (!best) return;
    this.#offset = best.offset;
    this.uncertaintyMs = best.rtt / 2;
  }
}
