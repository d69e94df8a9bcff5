import assert from "node:assert/strict";
import test from "node:test";

import { sparklinePoints } from "../../../signaling/web/sparkline.js";

const parse = (points) => points.split(" ").map((pair) => pair.split(",").map(Number));

test("the newest value is at the right edge and time runs to it evenly", () => {
  const points = parse(sparklinePoints([10, 20, 30], 5, 100, 40));
  assert.deepEqual(points.map(([x]) => x), [50, 75, 100]);
});

test("larger values are higher and all stay in the box", () => {
  const points = parse(sparklinePoints([0, 50, 100], 3, 100, 40));
  const ys = points.map(([, y]) => y);
  assert.ok(ys[0] > ys[1] && ys[1] > ys[2]);
  assert.ok(ys.every((y) => y >= 0 && y <= 40));
});

test("only as many values as fit are drawn, and one value is no line", () => {
  assert.equal(parse(sparklinePoints([1, 2, 3, 4, 5, 6], 4, 90, 40)).length, 4);
  assert.equal(sparklinePoints([5], 4, 90, 40), "");
});
