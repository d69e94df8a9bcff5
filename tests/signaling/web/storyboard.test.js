// The small pictures of a recording.

import assert from "node:assert/strict";
import test from "node:test";

import { parseStoryboard, sheetsAround, tileAt } from "../../../signaling/web/storyboard.js";

const cue = (from, to, place) => `00:00:${from}.000 --> 00:00:${to}.000\n${place}\n`;
const VTT = [
  "WEBVTT\n",
  cue("00", "10", "sheet-001.jpg#xywh=0,0,160,90"),
  cue("10", "20", "sheet-001.jpg#xywh=160,0,160,90"),
  cue("20", "30", "sheet-002.jpg#xywh=0,0,160,90"),
].join("\n");

test("each cue is a place on a sheet", () => {
  const tiles = parseStoryboard(VTT);
  assert.equal(tiles.length, 3);
  assert.deepEqual(tiles[1], { fromMs: 10_000, toMs: 20_000, sheet: "sheet-001.jpg", x: 160, y: 0, width: 160, height: 90 });
});

test("names, settings, hours and other line ends are as in any WebVTT", () => {
  const text = "WEBVTT - x\r\n\r\n7\r\n01:00:00.500 --> 01:00:10.500 align:start\r\na.jpg#xywh=pixel:1,2,3,4\r\n";
  assert.deepEqual(parseStoryboard(text), [{ fromMs: 3_600_500, toMs: 3_610_500, sheet: "a.jpg", x: 1, y: 2, width: 3, height: 4 }]);
});

test("what leads to no picture is left out", () => {
  for (const place of ["", "a.jpg", "a.jpg#xywh=1,2,3", "a.jpg#xywh=0,0,0,9", "a b.jpg#xywh=0,0,1,1"]) {
    assert.deepEqual(parseStoryboard(`WEBVTT\n\n${cue("00", "10", place)}`), [], place);
  }
  assert.deepEqual(parseStoryboard("WEBVTT\n\n00:99 --> x\na.jpg#xywh=0,0,1,1"), []);
  assert.deepEqual(parseStoryboard("<html>"), []);
});

test("a moment has the picture that stands for it, and the nearest where none does", () => {
  const tiles = parseStoryboard(VTT);
  assert.equal(tileAt(tiles, 19_999).x, 160);
  assert.equal(tileAt(tiles, 90_000).sheet, "sheet-002.jpg");
  assert.equal(tileAt(tiles.slice(1), 0).x, 160);
  assert.equal(tileAt([], 0), null);
});

test("the sheets around a moment, the nearest first", () => {
  const tiles = parseStoryboard(VTT);
  assert.deepEqual(sheetsAround(tiles, 0), ["sheet-001.jpg", "sheet-002.jpg"]);
  assert.deepEqual(sheetsAround(tiles, 25_000), ["sheet-002.jpg", "sheet-001.jpg"]);
  assert.deepEqual(sheetsAround([], 25_000), []);
});
