// The ladder of speeds.

import assert from "node:assert/strict";
import test from "node:test";

import { nextSpeed, SPEEDS } from "../../../signaling/web/vodcontrols.js";

test("speeds go from half to double, and stop there", () => {
  assert.deepEqual([SPEEDS[0], SPEEDS.at(-1)], [0.5, 2]);
  assert.equal(nextSpeed(1, 1), 1.25);
  assert.equal(nextSpeed(1, -1), 0.75);
  assert.equal(nextSpeed(2, 1), 2);
  assert.equal(nextSpeed(0.5, -1), 0.5);
});

test("from a speed that is none of them the next one is taken", () => {
  assert.equal(nextSpeed(1.1, 1), 1.5);
  assert.equal(nextSpeed(16, -1), 1.75);
});
