// How the two ends of a clip may move.

import assert from "node:assert/strict";
import test from "node:test";

import { canClip, loopTarget, rangeBefore, stripAround, withBegin, withEnd } from "../../../signaling/web/cliprange.js";

const HOUR = 3_600_000;
const STRIP = { startMs: 100_000, endMs: 280_000 };

test("a clip begins as the last 30 seconds", () => {
  assert.deepEqual(rangeBefore(90_000, HOUR), { fromMs: 60_000, toMs: 90_000 });
});

test("near the begin it is the first 30, in a short recording all of it", () => {
  assert.deepEqual(rangeBefore(2000, HOUR), { fromMs: 0, toMs: 30_000 });
  assert.deepEqual(rangeBefore(2000, 12_000), { fromMs: 0, toMs: 12_000 });
  assert.deepEqual(rangeBefore(HOUR + 5, HOUR), { fromMs: HOUR - 30_000, toMs: HOUR });
});

test("the strip holds the longest clip, with a minute after it where there is one", () => {
  assert.deepEqual(stripAround({ toMs: 600_000 }, HOUR), { startMs: 480_000, endMs: 660_000 });
  assert.deepEqual(stripAround({ toMs: HOUR }, HOUR), { startMs: HOUR - 180_000, endMs: HOUR });
  assert.deepEqual(stripAround({ toMs: 30_000 }, HOUR), { startMs: 0, endMs: 90_000 });
});

test("a handle moves freely within 5 to 180 seconds", () => {
  const range = { fromMs: 150_000, toMs: 180_000 };
  assert.deepEqual(withBegin(range, 140_000, STRIP), { fromMs: 140_000, toMs: 180_000 });
  assert.deepEqual(withEnd(range, 200_000, STRIP), { fromMs: 150_000, toMs: 200_000 });
});

test("the other end is taken along, and neither leaves the strip", () => {
  const range = { fromMs: 150_000, toMs: 180_000 };
  assert.deepEqual(withBegin(range, 179_000, STRIP), { fromMs: 179_000, toMs: 184_000 });
  assert.deepEqual(withBegin(range, 400_000, STRIP), { fromMs: 275_000, toMs: 280_000 });
  assert.deepEqual(withEnd(range, 151_000, STRIP), { fromMs: 146_000, toMs: 151_000 });
  assert.deepEqual(withEnd(range, 0, STRIP), { fromMs: 100_000, toMs: 105_000 });
});

test("the preview goes round", () => {
  const range = { fromMs: 10_000, toMs: 20_000 };
  assert.equal(loopTarget(range, 15_000), null);
  assert.equal(loopTarget(range, 9800), null, "a seek may land a little early");
  assert.equal(loopTarget(range, 20_000), 10_000);
  assert.equal(loopTarget(range, 3000), 10_000);
});

test("five seconds are the least", () => {
  assert.equal(canClip(4999), false);
  assert.equal(canClip(5000), true);
});
