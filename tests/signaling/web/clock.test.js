import assert from "node:assert/strict";
import test from "node:test";

import { bestSample } from "../../../signaling/web/clock.js";

test("the fastest ping decides", () => {
  const slow = { sent: 0, received: 100, server: 5090 }; // 40 ms off
  const fast = { sent: 200, received: 204, server: 5202 };
  assert.deepEqual(bestSample([slow, fast, slow]), { offset: 5000, rtt: 4 });
});

test("no sample, or one from a clock that ran backwards, gives nothing", () => {
  assert.equal(bestSample([]), null);
  assert.equal(bestSample([{ sent: 10, received: 5, server: 1 }]), null);
});
