import assert from "node:assert/strict";
import test from "node:test";

import { HeartQueue, HeartSum } from "../../../signaling/web/reactions.js";

const T = 1_800_000_000_000;

test("clicks go out as one sum, at most 20 of a kind", () => {
  const sum = new HeartSum();
  for (let i = 0; i < 50; i += 1) sum.add("heart");
  sum.add("fire");
  assert.deepEqual(sum.take(), [{ emote: "heart", n: 20 }, { emote: "fire", n: 1 }]);
  assert.deepEqual(sum.take(), []);
});

test("hearts wait for their second of the stream", () => {
  const queue = new HeartQueue();
  queue.add([[T + 1000, "heart", 3], [T + 2000, "heart", 4]]);
  assert.deepEqual(queue.due(T + 500), []);
  assert.deepEqual(queue.due(T + 1200), [{ emote: "heart", n: 3 }]);
  assert.deepEqual(queue.due(T + 1300), []);
});

test("after a stall they come as one sum, without those that are long over", () => {
  const queue = new HeartQueue();
  queue.add([[T, "heart", 100], [T + 8000, "heart", 3], [T + 9000, "heart", 4], [T + 9000, "clap", 1]]);
  assert.deepEqual(queue.due(T + 9500), [{ emote: "heart", n: 7 }, { emote: "clap", n: 1 }]);
});

test("without a position they come at once", () => {
  const queue = new HeartQueue();
  queue.add([[T, "heart", 2]]);
  assert.deepEqual(queue.due(null), [{ emote: "heart", n: 2 }]);
});

test("own hearts were drawn when they were clicked and do not come twice", () => {
  const queue = new HeartQueue();
  queue.own("heart", 2);
  queue.add([[T, "heart", 2]]);
  queue.add([[T, "heart", 5]]);
  assert.deepEqual(queue.due(null), [{ emote: "heart", n: 5 }]);
});

test("a viewer who stands still does not collect for ever", () => {
  const queue = new HeartQueue();
  for (let second = 0; second < 5000; second += 1) queue.add([[T + second * 1000, "heart", 1]]);
  assert.ok(queue.due(null)[0].n <= 600);
});
