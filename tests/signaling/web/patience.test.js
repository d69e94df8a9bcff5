import assert from "node:assert/strict";
import test from "node:test";

import { Patience } from "../../../signaling/web/patience.js";

test("who stands still is given twenty seconds, then twice as long each time", () => {
  const patience = new Patience();
  patience.begin(1000);
  const over = [];
  for (let now = 1000; now < 1_000_000; now += 200) if (patience.isOver(now)) over.push((now - 1000) / 1000);
  assert.deepEqual(over, [20, 60, 140, 300, 620, 940]);
});

test("a picture that moves makes up for all of it, a publisher that returns for the time", () => {
  const patience = new Patience();
  patience.begin(0);
  assert.equal(patience.isOver(20_000), true);
  patience.moved(25_000);
  assert.equal(patience.isOver(44_800), false);
  assert.equal(patience.isOver(45_000), true);
  patience.begin(80_000);
  assert.equal(patience.isOver(119_800), false);
  assert.equal(patience.isOver(120_000), true);
});
