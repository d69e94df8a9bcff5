import assert from "node:assert/strict";
import test from "node:test";

import { level } from "../../../signaling/web/meter.js";

test("silence is 0, full scale is 1, and -30 dB lies in the middle", () => {
  assert.equal(level(new Float32Array(64)), 0);
  assert.equal(level(new Float32Array(64).fill(1)), 1);
  assert.ok(Math.abs(level(new Float32Array(64).fill(10 ** (-30 / 20))) - 0.5) < 1e-6);
});

test("no samples are silence", () => {
  assert.equal(level([]), 0);
});
