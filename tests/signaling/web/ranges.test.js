import assert from "node:assert/strict";
import test from "node:test";

import { Ranges } from "../../../signaling/web/ranges.js";

test("neighbours and overlaps become one run", () => {
  const ranges = new Ranges();
  ranges.add(5, 7);
  ranges.add(1, 2);
  ranges.add(3, 4);
  assert.equal(ranges.endOf(1), 7);
  ranges.add(6, 12);
  assert.equal(ranges.endOf(1), 12);
});

test("a run that is not there ends before it begins", () => {
  assert.equal(new Ranges().endOf(9), 8);
});

test("what is removed from the middle leaves two runs", () => {
  const ranges = new Ranges();
  ranges.add(1, 10);
  ranges.remove(4, 6);
  assert.deepEqual([ranges.endOf(1), ranges.has(5), ranges.endOf(7)], [3, false, 10]);
  assert.equal(ranges.meets(4, 6), false);
  assert.equal(ranges.meets(6, 7), true);
  ranges.remove(8, Infinity);
  assert.equal(ranges.endOf(7), 7);
});

test("an empty range is nothing", () => {
  const ranges = new Ranges();
  ranges.add(3, 2);
  assert.equal(ranges.meets(0, 100), false);
});
