// A recording's chapters: which one a moment belongs to, and how they divide the bar. Pure.

/** What lies between two of them on the bar. */
const CUT_PX = 3;

/** Index of the chapter that is on at `ms`; -1 before the first. */
export function chapterAt(chapters, ms) {
  return chapters.findLastIndex(({ at_ms: at }) => at <= ms);
}

/**
 * The bar in pieces, without a hole: each chapter until the next one.
 *
 * @param {{at_ms: number, title: string}[]} chapters in order
 * @returns {{fromMs: number, toMs: number, title: string}[]} `title` is empty before the first
 */
export function segmentsOf(chapters, durationMs) {
  const inside = chapters.filter(({ at_ms: at }) => at < durationMs);
  const pieces = inside.map(({ at_ms: fromMs, title }, i) => ({
    fromMs,
    toMs: inside[i + 1]?.at_ms ?? durationMs,
    title,
  }));
  const firstMs = inside[0]?.at_ms ?? durationMs;
  const before = firstMs > 0 ? [{ fromMs: 0, toMs: firstMs, title: "" }] : [];
  return [...before, ...pieces].filter(({ fromMs, toMs }) => toMs > fromMs);
}

/** A CSS mask that cuts the bar between the segments; "none" where there is nothing to cut. */
export function cutMask(segments, durationMs) {
  if (segments.length < 2 || !(durationMs > 0)) return "none";
  const stops = segments.slice(1).flatMap(({ fromMs }) => {
    const at = `${((fromMs / durationMs) * 100).toFixed(3)}%`;
    const [left, right] = [`calc(${at} - ${CUT_PX / 2}px)`, `calc(${at} + ${CUT_PX / 2}px)`];
    return [`#000 ${left}`, `#0000 ${left}`, `#0000 ${right}`, `#000 ${right}`];
  });
  return `linear-gradient(90deg, ${stops.join(", ")})`;
}
