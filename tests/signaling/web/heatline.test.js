// The line over the bar.

import assert from "node:assert/strict";
import test from "node:test";

import { heatPath } from "../../../signaling/web/heatline.js";

const BOX = { stepMs: 1000, durationMs: 4000, width: 1000, height: 100 };
const numbers = (path) => path.match(/-?[\d.]+/g).map(Number);

test("it fills from edge to edge and stays in its box", () => {
  const path = heatPath([0, 1, 0.5, 0.2], BOX);
  assert.match(path, /^M0,100L0,94C.*L1000,100Z$/);
  const found = numbers(path);
  for (let i = 0; i < found.length; i += 2) {
    assert.ok(found[i] >= 0 && found[i] <= 1000);
    assert.ok(found[i + 1] >= 0 && found[i + 1] <= 100);
  }
});

test("each value stands in the middle of its step", () => {
  assert.match(heatPath([0, 1, 0, 0], BOX), / 375,0C/);
});

test("values beyond the end or out of bounds do no harm", () => {
  const path = heatPath([5, -3, Number.NaN, 1, 1, 1, 1], BOX);
  assert.ok(Math.max(...numbers(path)) <= 1000);
  assert.ok(Math.min(...numbers(path)) >= 0);
});

test("where nothing happened there is no line", () => {
  for (const values of [[], [1], [0, 0, 0], [null, undefined]]) assert.equal(heatPath(values, BOX), "");
  assert.equal(heatPath([1, 1], { ...BOX, stepMs: 0 }), "");
  assert.equal(heatPath([1, 1], { ...BOX, durationMs: 0 }), "");
});
