import assert from "node:assert/strict";
import test from "node:test";

import { StallMeter } from "../../../signaling/web/stalls.js";

/** Looks at [ms, position, resting] each. */
function looked(...looks) {
  const meter = new StallMeter();
  const moved = looks.map(([at, position, resting = false]) => meter.look(at, position, resting));
  return { meter, moved };
}

test("a picture that moves does not stall", () => {
  const { meter, moved } = looked([0, 0], [200, 0.2], [400, 0.4], [600, 0.6]);
  assert.deepEqual(moved, [false, true, true, true]);
  assert.deepEqual([meter.count, meter.total(600)], [0, 0]);
});

test("one that stands counts once, from when it last moved", () => {
  const { meter } = looked([0, 0], [200, 0.2], [400, 0.2], [600, 0.2], [800, 0.2]);
  assert.deepEqual([meter.count, meter.lasting(800), meter.total(800)], [1, 600, 600]);
});

test("a stall ends with the first movement and stays in the sum", () => {
  const { meter } = looked([0, 0], [200, 0.2], [700, 0.2], [900, 0.3], [1100, 0.5]);
  assert.deepEqual([meter.count, meter.lasting(1100), meter.total(1100)], [1, 0, 700]);
});

test("a short hesitation is no stall", () => {
  const { meter } = looked([0, 0], [200, 0.2], [400, 0.2], [499, 0.2], [600, 0.4]);
  assert.equal(meter.count, 0);
});

test("rest is no stall, and the time of it does not count afterwards", () => {
  const { meter } = looked([0, 0], [200, 0.2], [400, 0.2, true], [9000, 0.2, true], [9200, 0.2], [9299, 0.2]);
  assert.equal(meter.count, 0);
  meter.look(9400, 0.2, false);
  assert.deepEqual([meter.count, meter.lasting(9400)], [1, 400]);
});

test("a look that comes late sees movement and blames nobody", () => {
  const { meter } = looked([0, 0], [200, 0.2], [5000, 5]);
  assert.equal(meter.count, 0);
});

test("three in a minute are often, and no longer when they are past", () => {
  const meter = new StallMeter();
  for (const at of [0, 10_000, 20_000]) {
    meter.look(at, at, false);
    meter.look(at + 1000, at, false);
    assert.equal(meter.often(at + 1000), at === 20_000);
  }
  assert.equal(meter.often(59_000), true);
  assert.equal(meter.often(61_000), false);
});
