// A line of the last values, small enough to sit beside a number.

/**
 * SVG polyline points for `values`, newest at the right edge, in a box of width x height.
 * The scale starts at 0 so that the line's height means something, and it leaves a margin of
 * one unit so that the stroke is not cut.
 *
 * @param {number[]} values
 * @param {number} capacity how many values fill the width
 */
export function sparklinePoints(values, capacity, width, height) {
  const shown = values.slice(-capacity);
  if (shown.length < 2) return "";
  const top = Math.max(...shown, 1) * 1.15;
  const step = width / (capacity - 1);
  return shown
    .map((value, i) => {
      const x = width - (shown.length - 1 - i) * step;
      const y = height - 1 - (value / top) * (height - 2);
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    })
    .join(" ");
}
