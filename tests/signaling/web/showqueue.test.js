// The queue on stream time, one test for each row of the rules.

import assert from "node:assert/strict";
import test from "node:test";

import { ShowQueue } from "../../../signaling/web/showqueue.js";

const T = 1_800_000_000_000;

/** An entry for each of the moments, in seconds; numbers from `first` on. */
function entries(seconds, first = 1) {
  return seconds.map((second, i) => ({ seq: first + i, t: T + second * 1000 }));
}

/** A queue that has heard entries at these seconds. */
function queueWith(seconds, first = 1) {
  const queue = new ShowQueue();
  queue.begin();
  put(queue, seconds, first);
  return queue;
}

function put(queue, seconds, first) {
  queue.add(entries(seconds, first), first, first + seconds.length - 1, seconds.length * 200);
}

/** A viewer who looks each 50 ms, from one position to another at the pace of time. */
function watch(queue, fromS, toS, nowS = fromS) {
  const seen = [];
  for (let ms = 0; ms <= (toS - fromS) * 1000; ms += 50) {
    seen.push(...queue.release(nowS * 1000 + ms, T + fromS * 1000 + ms).shown.map(({ entry }) => entry.seq));
  }
  return seen;
}

const seqs = ({ shown }) => shown.map(({ entry }) => entry.seq);
const range = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

test("an entry is shown when the picture comes to its moment, at most 50 ms before", () => {
  const queue = queueWith([10]);
  assert.deepEqual(seqs(queue.release(0, T + 9949)), []);
  assert.deepEqual(seqs(queue.release(1, T + 9950)), [1]);
  assert.deepEqual(seqs(queue.release(2, T + 10_000)), []);
});

test("the number is the order, also where two have one moment", () => {
  const queue = queueWith([1, 1, 1, 2]);
  assert.deepEqual(seqs(queue.release(0, T + 1000)), [1, 2, 3]);
});

test("while the picture stands still the queue holds", () => {
  const queue = queueWith([1, 2, 3]);
  assert.deepEqual(watch(queue, 0, 1), [1]);
  for (let ms = 0; ms < 5000; ms += 50) assert.deepEqual(seqs(queue.release(1000 + ms, T + 1000)), []);
  assert.equal(queue.size, 2);
});

test("without a position everything is shown as it comes, and counted", () => {
  const queue = queueWith([1, 2, 300]);
  assert.deepEqual(seqs(queue.release(0, null)), [1, 2, 3]);
  assert.equal(queue.unknown, 3);
});

test("a newcomer's history comes without notice, what is said later with it", () => {
  const queue = new ShowQueue();
  queue.begin(T + 5000);
  put(queue, [1, 5, 6], 41);
  const { shown } = queue.release(0, T + 6000);
  assert.deepEqual(shown.map(({ silent }) => silent), [true, true, false]);
});

test("numbers that are not for this viewer tear no hole", () => {
  const queue = new ShowQueue();
  queue.begin();
  queue.add([{ seq: 2, t: T }], 1, 5);
  queue.add([{ seq: 7, t: T }], 6, 8);
  assert.deepEqual(seqs(queue.release(0, T)), [2, 7]);
  assert.equal(queue.cursor, 8);
  assert.equal(queue.wanted(T), null);
});

// --- catching up

test("after a stall at most 50 a second are shown, the old ones without notice", () => {
  const queue = queueWith([0]);
  queue.release(0, T);
  put(queue, [1, 2, ...range(1, 120).map((i) => 8 + i / 100)], 2);
  const first = queue.release(10_000, T + 10_000); // back where it froze, and there it jumps on
  assert.deepEqual(first.shown.filter(({ silent }) => silent).map(({ entry }) => entry.seq), [2, 3]);
  assert.ok(first.shown.length <= 2 + 50 + 20, "those of the last second are not late");
  let shown = first.shown.length;
  for (let ms = 50; ms <= 3000; ms += 50) shown += queue.release(10_000 + ms, T + 10_000 + ms).shown.length;
  assert.equal(shown, 122);
});

test("more than a catch-up can clear goes without notice", () => {
  const queue = queueWith([0]);
  queue.release(0, T);
  put(queue, range(1, 1000).map((i) => 6 + i / 250), 2);
  const { shown } = queue.release(10_000, T + 10_000);
  assert.ok(shown.filter(({ silent }) => silent).length >= 750);
  assert.ok(queue.size <= 250);
});

// --- holes

test("nothing is shown past a hole, which is asked for once", () => {
  const queue = queueWith([1, 2]);
  queue.add(entries([4, 5], 6), 6, 7);
  assert.deepEqual(seqs(queue.release(0, T + 9000)), [1, 2]);
  const want = queue.wanted(T + 9000);
  assert.deepEqual(want, { after: 2 });
  assert.equal(queue.wanted(T + 9000), null);
  queue.page(want, entries([3, 3, 3], 3), { more: false });
  assert.deepEqual(seqs(queue.release(1, T + 9000)), [3, 4, 5, 6, 7]);
});

test("a page that ends early leaves the rest of the hole", () => {
  const queue = queueWith([1]);
  queue.noteHead(6);
  queue.release(0, T + 9000);
  let want = queue.wanted(T + 9000);
  assert.deepEqual(want, { after: 1 });
  queue.page(want, entries([2, 2], 2), { more: true, last: 4 });
  assert.deepEqual(seqs(queue.release(1, T + 9000)), [2, 3]);
  want = queue.wanted(T + 9000);
  assert.deepEqual(want, { after: 4 });
  queue.page(want, [], { more: false, last: 0 });
  queue.release(2, T + 9000);
  assert.equal(queue.cursor, 6);
});

test("a hole far ahead is left until the picture comes near", () => {
  const queue = queueWith([1, 100]);
  queue.noteHead(9);
  assert.equal(queue.wanted(T + 1000), null);
  assert.deepEqual(queue.wanted(T + 91_000), { after: 2 });
});

test("a hole that cannot be filled is said in its place", () => {
  const queue = queueWith([1]);
  queue.add(entries([4], 5), 5, 5);
  queue.release(0, T + 9000);
  for (let tries = 0; tries < 3; tries += 1) {
    const want = queue.wanted(T + 9000);
    assert.deepEqual(want, { after: 1 });
    queue.pageFailed(want);
  }
  const { shown } = queue.release(1, T + 9000);
  assert.deepEqual(shown.map(({ entry, gap }) => [entry.seq, gap]), [[5, true]]);
});

test("a page that leads nowhere is a page that failed", () => {
  const queue = queueWith([1]);
  queue.noteHead(9);
  queue.release(0, T + 9000);
  for (let tries = 0; tries < 3; tries += 1) queue.page(queue.wanted(T + 9000), [], { more: true, last: 0 });
  queue.release(1, T + 9000);
  assert.equal(queue.cursor, 9);
  put(queue, [9], 10);
  assert.deepEqual(queue.release(2, T + 9000).shown.map(({ gap }) => gap), [true]);
});

test("a declared gap is shown as one", () => {
  const queue = queueWith([1]);
  queue.release(0, T + 1000);
  put(queue, [2], 2);
  queue.skip(3, 9000);
  put(queue, [3, 4], 9001);
  const { shown } = queue.release(1, T + 5000);
  assert.deepEqual(shown.map(({ entry, gap }) => [entry.seq, gap]), [[2, false], [9001, true], [9002, false]]);
});

test("what a newcomer never had is no gap", () => {
  const queue = new ShowQueue();
  queue.begin();
  queue.skip(1, 40);
  put(queue, [1], 41);
  assert.deepEqual(queue.release(0, T + 1000).shown.map(({ entry, gap }) => [entry.seq, gap]), [[41, false]]);
});

// --- bounds

test("a full queue drops its middle, and fetches that when it is due", () => {
  const queue = queueWith([0]);
  queue.release(0, T);
  for (let first = 2; first < 3002; first += 100) put(queue, range(0, 99).map((i) => 100 + (first + i) / 10), first);
  assert.ok(queue.size <= 2000);
  assert.ok(queue.overflowed >= 1000);
  const server = entries(range(1, 3001).map((i) => (i === 1 ? 0 : 100 + i / 10)));
  const seen = [];
  for (let ms = 0; ms < 320_000; ms += 500) {
    seen.push(...seqs(queue.release(99_000 + ms, T + 99_000 + ms)));
    const want = queue.wanted(T + 99_000 + ms);
    if (want) queue.page(want, server.slice(want.after, want.after + 200), { more: true });
  }
  assert.deepEqual(seen, range(2, 3001));
});

test("bytes are bounded as well", () => {
  const queue = new ShowQueue();
  queue.begin();
  for (let seq = 1; seq <= 300; seq += 1) queue.add([{ seq, t: T + seq }], seq, seq, 15_000);
  assert.ok(queue.size <= 2_000_000 / 15_000);
});

// --- jumps

test("a step back within what was shown shows it again in its time, without asking", () => {
  const queue = queueWith(range(1, 60));
  for (let s = 0; s <= 60; s += 1) queue.release(s * 1000, T + s * 1000);
  const back = queue.release(61_000, T + 52_000);
  assert.deepEqual([back.backTo, back.cleared, seqs(back)], [52, false, []]);
  assert.equal(queue.wanted(T + 52_000), null);
  assert.deepEqual(watch(queue, 52, 55, 61), [53, 54, 55]);
});

test("a seek into the past clears, fetches what is around, and keeps the live tail", () => {
  const queue = queueWith([1000, 1001], 501);
  queue.release(1_001_000, T + 1_001_000);
  put(queue, [1005], 503);
  const jump = queue.release(1_001_050, T + 600_000);
  assert.deepEqual([jump.cleared, seqs(jump)], [true, []]);
  const want = queue.wanted(T + 600_000);
  assert.deepEqual(want, { since: T + 570_000, until: T + 660_000 });
  queue.page(want, entries([580, 600, 640], 300), { more: false });
  const there = queue.release(1_001_100, T + 600_050);
  assert.deepEqual(there.shown.map(({ entry, silent }) => [entry.seq, silent]), [[300, true], [301, true]]);
  assert.equal(queue.size, 4, "the one ahead, and the tail with what was shown of it");
  assert.equal(queue.wanted(T + 600_050), null);
});

test("back to live, the tail is shown at once", () => {
  const queue = queueWith(range(0, 99).map((i) => 1000 + i), 501);
  for (let s = 1000; s <= 1099; s += 1) queue.release(s * 1000, T + s * 1000);
  queue.release(1_099_000, T + 600_000);
  queue.page(queue.wanted(T + 600_000), [], { more: false, last: 0 });
  const live = queue.release(1_100_000, T + 1_099_500);
  assert.equal(live.cleared, true);
  assert.deepEqual(seqs(live), range(571, 600), "the last 30 seconds");
  assert.equal(queue.wanted(T + 1_099_500), null);
});

test("a quiet stretch of the past is looked at again when the picture nears its end", () => {
  const queue = queueWith([1000], 501);
  queue.release(1_000_000, T + 1_000_000);
  queue.release(1_000_050, T + 600_000);
  queue.page(queue.wanted(T + 600_000), [], { more: false, last: 0 });
  assert.equal(queue.wanted(T + 600_000), null);
  queue.release(1_050_000, T + 650_000);
  assert.deepEqual(queue.wanted(T + 650_000), { since: T + 660_000, until: T + 720_000 });
});

test("an answer for a place that was left is thrown away", () => {
  const queue = queueWith([1000], 501);
  queue.release(1_000_000, T + 1_000_000);
  queue.release(1_000_050, T + 600_000);
  const before = queue.wanted(T + 600_000);
  queue.release(1_000_100, T + 300_000);
  assert.deepEqual(queue.wanted(T + 300_000), { since: T + 270_000, until: T + 360_000 });
  queue.page(before, entries([600], 300), { more: false });
  queue.pageFailed(before);
  assert.equal(queue.cursor, null);
});

test("where the player stops in the past, the chat goes on live", () => {
  const queue = queueWith([1000], 501);
  queue.release(1_000_000, T + 1_000_000);
  queue.release(1_000_050, T + 600_000);
  put(queue, [1001], 502);
  assert.deepEqual(seqs(queue.release(1_000_100, null)), [501, 502]);
});

// --- takeovers

test("what never was is taken back, and its numbers are used again", () => {
  const queue = queueWith([1, 2, 3, 4]);
  queue.release(0, T + 2000);
  queue.retract(2);
  assert.equal(queue.cursor, 1);
  queue.add([{ seq: 2, t: T + 2500 }], 2, 2);
  assert.deepEqual(seqs(queue.release(1, T + 9000)), [2]);
});

test("whatever comes in whatever pieces, the order is the log's and nothing comes twice", () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const random = seeded(seed);
    const log = entries(range(1, 200).map((i) => i / 4));
    const queue = new ShowQueue();
    queue.begin();
    const seen = [];
    let sent = 0;
    let at = 0;
    for (let turn = 0; turn < 4000 && seen.length < log.length; turn += 1) {
      if (random() < 0.5 && sent < log.length) {
        const count = Math.min(log.length - sent, 1 + Math.floor(random() * 9));
        if (sent === 0 || random() < 0.8) queue.add(log.slice(sent, sent + count), sent + 1, sent + count, count * 100);
        sent += count; // else a slow client's: skipped by the server
        if (sent === log.length) queue.noteHead(sent);
      }
      at += random() * 100;
      seen.push(...seqs(queue.release(at, T + at)));
      const want = queue.wanted(T + at);
      if (want === null) continue;
      assert.ok(want.after !== undefined, `seed ${seed}`);
      if (random() < 0.2) queue.pageFailed(want);
      else {
        const found = log.slice(want.after, Math.min(sent, want.after + 20));
        queue.page(want, found, { more: want.after + found.length < sent });
      }
    }
    const inOrder = seen.every((seq, i) => i === 0 || seq > seen[i - 1]);
    assert.ok(inOrder, `seed ${seed}: ${seen}`);
    assert.ok(seen.length > 150, `seed ${seed} saw ${seen.length}`);
  }
});

function seeded(seed) {
  let state = seed * 2_654_435_761;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 3_266_489_917) >>> 0;
    return state / 2 ** 32;
  };
}
