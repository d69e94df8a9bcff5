// The stretch of a recording that becomes a clip: how its two ends may move. Pure. Times in ms.

export const SHORTEST_MS = 5000;
export const LONGEST_MS = 180_000;
/** What a clip is made of where nobody says otherwise. */
export const USUAL_MS = 30_000;
/** Of the recording that the strip shows after the end, where there is some. */
const AFTER_MS = 60_000;

/** The last seconds before a position; the first ones where there are not so many before it. */
export function rangeBefore(positionMs, durationMs) {
  const endMs = Math.round(Math.min(durationMs, Math.max(positionMs, Math.min(USUAL_MS, durationMs))));
  return { fromMs: Math.max(0, endMs - USUAL_MS), toMs: endMs };
}

/** What can be chosen from: the strip under the two handles. */
export function stripAround({ toMs }, durationMs) {
  const endMs = Math.min(durationMs, toMs + AFTER_MS);
  return { startMs: Math.max(0, endMs - LONGEST_MS), endMs };
}

/** Move the begin; the end is taken along where the clip would get too short or too long. */
export function withBegin({ toMs }, fromMs, strip) {
  const begin = clamp(fromMs, strip.startMs, strip.endMs - SHORTEST_MS);
  return { fromMs: begin, toMs: clamp(toMs, begin + SHORTEST_MS, begin + LONGEST_MS) };
}

/** Move the end; the begin is taken along. */
export function withEnd({ fromMs }, toMs, strip) {
  const end = clamp(toMs, strip.startMs + SHORTEST_MS, strip.endMs);
  return { fromMs: clamp(fromMs, end - LONGEST_MS, end - SHORTEST_MS), toMs: end };
}

/** Where the preview must go from here; null: on as it plays. */
export function loopTarget({ fromMs, toMs }, positionMs) {
  const outside = positionMs >= toMs || positionMs < fromMs - 500;
  return outside ? fromMs : null;
}

/** Whether a recording is long enough for any clip. */
export function canClip(durationMs) {
  return durationMs >= SHORTEST_MS;
}

function clamp(value, low, high) {
  return Math.round(Math.min(Math.max(value, low), Math.max(low, high)));
}
