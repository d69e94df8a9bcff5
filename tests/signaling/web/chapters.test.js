// Which chapter a moment belongs to, and how they divide the bar.

import assert from "node:assert/strict";
import test from "node:test";

import { chapterAt, cutMask, segmentsOf } from "../../../signaling/web/chapters.js";

const CHAPTERS = [{ at_ms: 1000, title: "One" }, { at_ms: 4000, title: "Two" }];

test("a chapter is on from its moment until the next one's", () => {
  assert.equal(chapterAt(CHAPTERS, 999), -1);
  assert.equal(chapterAt(CHAPTERS, 1000), 0);
  assert.equal(chapterAt(CHAPTERS, 3999.9), 0);
  assert.equal(chapterAt(CHAPTERS, 90_000), 1);
  assert.equal(chapterAt([], 5), -1);
});

test("the bar has no hole: what lies before the first chapter is a piece without a title", () => {
  assert.deepEqual(segmentsOf(CHAPTERS, 10_000), [
    { fromMs: 0, toMs: 1000, title: "" },
    { fromMs: 1000, toMs: 4000, title: "One" },
    { fromMs: 4000, toMs: 10_000, title: "Two" },
  ]);
  assert.deepEqual(segmentsOf([], 10_000), [{ fromMs: 0, toMs: 10_000, title: "" }]);
});

test("chapters beyond the end, and two at one moment, leave no empty piece", () => {
  const odd = [{ at_ms: 0, title: "A" }, { at_ms: 0, title: "B" }, { at_ms: 20_000, title: "C" }];
  assert.deepEqual(segmentsOf(odd, 10_000), [{ fromMs: 0, toMs: 10_000, title: "B" }]);
  assert.deepEqual(segmentsOf(CHAPTERS, 0), []);
});

test("the bar is cut between pieces, and whole where there is one", () => {
  assert.equal(cutMask(segmentsOf([], 10_000), 10_000), "none");
  const mask = cutMask(segmentsOf(CHAPTERS, 10_000), 10_000);
  assert.equal(mask.match(/#0000 calc\(10\.000% - 1\.5px\)/g).length, 1);
  assert.equal(mask.match(/#0000/g).length, 4);
});
