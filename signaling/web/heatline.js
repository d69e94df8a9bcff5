// How busy it was at each moment, as a smooth line over the bar. Pure.

/** The quietest moment still has a line. */
const FLOOR = 0.06;

/**
 * An SVG path that fills what lies under the line.
 *
 * @param {number[]} values 0 to 1, each for `stepMs` of the recording
 * @param {{stepMs: number, durationMs: number, width: number, height: number}} box width is the
 *   whole duration; y grows downwards
 * @returns {string} empty where there is nothing to draw
 */
export function heatPath(values, { stepMs, durationMs, width, height }) {
  const known = values.filter(Number.isFinite);
  if (known.length < 2 || !(stepMs > 0) || !(durationMs > 0) || !known.some((value) => value > 0)) return "";
  const points = known.map((value, i) => [
    Math.min(width, (((i + 0.5) * stepMs) / durationMs) * width),
    height * (1 - Math.max(FLOOR, Math.min(1, value))),
  ]);
  const line = [[0, points[0][1]], ...points, [width, points.at(-1)[1]]];
  const curves = line.slice(1).map((to, i) => {
    const from = line[i];
    // Flat at each end of a piece: it never leaves the height of its two values.
    const middle = (from[0] + to[0]) / 2;
    return `C${round(middle)},${round(from[1])} ${round(middle)},${round(to[1])} ${round(to[0])},${round(to[1])}`;
  });
  return `M0,${height}L0,${round(line[0][1])}${curves.join("")}L${width},${height}Z`;
}

function round(value) {
  return Number(value.toFixed(1));
}
