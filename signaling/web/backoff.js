// How long to wait before trying again.

const BASE_MS = 250;
const CAP_MS = 10_000;

/**
 * Jittered exponential backoff in milliseconds: between a half and the whole of
 * `250 ms * 2^(attempt - 1)`, at most 10 s. The jitter keeps a thousand viewers of a server that
 * restarts from coming back in one instant.
 *
 * @param {number} attempt 1 for the first try after a loss
 * @param {number} floorMs what the server asked for (Retry-After); never less than this
 * @param {() => number} random a number in [0, 1)
 */
export function backoffMs(attempt, floorMs = 0, random = Math.random) {
  const step = Math.min(CAP_MS, BASE_MS * 2 ** Math.max(0, Math.min(attempt - 1, 16)));
  const jittered = step / 2 + (step / 2) * random();
  // A floor that everyone obeys to the millisecond would gather the crowd again.
  return Math.max(jittered, floorMs === 0 ? 0 : floorMs + 500 * random());
}
