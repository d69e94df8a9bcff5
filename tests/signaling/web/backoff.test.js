import assert from "node:assert/strict";
import test from "node:test";

import { backoffMs } from "../../../signaling/web/backoff.js";

const least = () => 0;
const most = () => 0.999_999;

test("the wait doubles with each attempt up to a cap", () => {
  const waits = [1, 2, 3, 4, 5, 6, 7, 50].map((attempt) => Math.round(backoffMs(attempt, 0, most)));
  assert.deepEqual(waits, [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
});

test("jitter takes away at most a half", () => {
  assert.equal(backoffMs(1, 0, least), 125);
  assert.equal(backoffMs(9, 0, least), 5000);
});

test("what the server asked for is never undercut, and is spread too", () => {
  assert.equal(backoffMs(1, 2000, least), 2000);
  assert.ok(backoffMs(1, 2000, most) > 2400);
});
