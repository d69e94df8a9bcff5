import assert from "node:assert/strict";
import test from "node:test";

import {
  anchorsOf, behindText, clamp, clockTime, dateAt, delayText, isLive, isSent, shareOf, timeAt,
} from "../../../signaling/web/dvr.js";

const DAY = Date.UTC(2026, 0, 2, 3, 4, 5);
const STRAIGHT = [0, 2, 4].map((start) => ({ start, programDateTime: DAY + start * 1000 }));
/** A publisher who was away for a minute: the player's time goes on, the clock jumps. */
const BROKEN = [...STRAIGHT, { start: 6, programDateTime: DAY + 66_000 }, { start: 8, programDateTime: DAY + 68_000 }];

test("a stream without a break needs one anchor", () => {
  assert.deepEqual(anchorsOf(STRAIGHT), [{ time: 0, date: DAY }]);
});

test("a break in time is one anchor more", () => {
  assert.deepEqual(anchorsOf(BROKEN), [{ time: 0, date: DAY }, { time: 6, date: DAY + 66_000 }]);
});

test("fragments without a date are passed over", () => {
  assert.deepEqual(anchorsOf([{ start: 0, programDateTime: null }, STRAIGHT[1]]), [{ time: 2, date: DAY + 2000 }]);
  assert.deepEqual([dateAt([], 1), timeAt([], DAY)], [null, null]);
});

test("time and date lead to each other, before, between and behind the anchors", () => {
  const anchors = anchorsOf(BROKEN);
  for (const [time, date] of [[-1, DAY - 1000], [0, DAY], [5.5, DAY + 5500], [6, DAY + 66_000], [9.25, DAY + 69_250]]) {
    assert.equal(dateAt(anchors, time), date);
    assert.equal(timeAt(anchors, date), time);
  }
});

test("who is about where live plays watches live", () => {
  assert.equal(isLive(DAY - 1000, DAY), true);
  assert.equal(isLive(DAY + 200, DAY), true);
  assert.equal(isLive(DAY - 10_000, DAY), false);
});

test("the bar knows no moment outside the window", () => {
  const window = { start: DAY, end: DAY + 10_000 };
  assert.deepEqual([clamp(DAY - 1, window), clamp(DAY + 11_000, window)], [DAY, DAY + 10_000]);
  assert.deepEqual([shareOf(DAY - 1, window), shareOf(DAY + 2500, window), shareOf(DAY + 11_000, window)], [0, 0.25, 1]);
  assert.equal(shareOf(DAY, { start: DAY, end: DAY }), 1);
});

test("moments are told by the wall clock", () => {
  assert.equal(clockTime(DAY, "en-GB", "UTC"), "03:04:05");
});

test("distances are told in minutes, and in hours where there are any", () => {
  assert.deepEqual([7_400, 62_000, 3_750_000, -5].map(behindText), ["0:07", "1:02", "1:02:30", "0:00"]);
});

test("delays are as exact as one reads them", () => {
  assert.deepEqual([843.2, 2140, 9940, 12_300, 185_000].map(delayText), ["843 ms", "2.1 s", "9.9 s", "12 s", "3:05"]);
});

test("a gap is nothing that was sent, and parts know more than their segment", () => {
  const piece = (start, gap) => ({ start, duration: 2, gap });
  const fragments = [piece(0, false), piece(2, true), piece(4, false)];
  const part = (start, gap) => ({ start, duration: 0.5, gap });
  const partList = [part(4, true), part(4.5, false), part(6, false), part(6.5, true)];
  const told = [1, 3, 5.5].map((time) => isSent({ fragments, partList: null }, time));
  assert.deepEqual(told, [true, false, true]);
  const finer = [4.2, 4.7, 6.2, 6.7, 7].map((time) => isSent({ fragments, partList }, time));
  assert.deepEqual(finer, [false, true, true, false, false]);
  assert.equal(isSent(null, 1), false);
});
