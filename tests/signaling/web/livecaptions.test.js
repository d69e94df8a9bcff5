// Which captions of a live stream are loaded, and which one is shown now.

import assert from "node:assert/strict";
import test from "node:test";

import { CaptionQueue, missing, readPlaylist } from "../../../signaling/web/livecaptions.js";

const START = Date.parse("2026-11-29T21:39:45.000Z");
const cue = (fromS, toS, text) => ({ fromMs: START + fromS * 1000, toMs: START + toS * 1000, text });
const at = (queue, positionS, nowS) => queue.at(START + positionS * 1000, nowS * 1000)?.text ?? null;

function queueAt(positionS, ...cues) {
  const queue = new CaptionQueue();
  queue.add(cues, START + positionS * 1000);
  return queue;
}

test("who is far enough behind sees each cue at its time", () => {
  const queue = queueAt(0, cue(2, 4, "one"), cue(5, 6, "two"));
  // The clock of the wall says nothing: the picture may have stood still meanwhile.
  assert.equal(at(queue, 1, 100), null);
  assert.equal(at(queue, 2, 200), "one");
  assert.equal(at(queue, 3.9, 200.1), "one");
  assert.equal(at(queue, 4, 900), null);
  assert.equal(at(queue, 5, 901), "two");
});

test("what comes late is shown when it comes, in order, each for its duration", () => {
  const queue = queueAt(10, cue(6, 8, "two"), cue(3, 6, "one"));
  assert.equal(at(queue, 10, 50), "one");
  assert.equal(at(queue, 12.9, 52.9), "one");
  assert.equal(at(queue, 13, 53), "two");
  assert.equal(at(queue, 14.9, 54.9), "two");
  assert.equal(at(queue, 15, 55), null);
  queue.add([cue(9, 10, "three")], START + 16_000);
  assert.equal(at(queue, 16, 56), "three");
});

test("a cue that has begun when it comes is late, and shown whole", () => {
  const queue = queueAt(3.5, cue(2, 4, "one"));
  assert.equal(at(queue, 3.5, 0), "one");
  assert.equal(at(queue, 5.4, 1.9), "one");
  assert.equal(at(queue, 5.5, 2), null);
});

test("what ended more than 15 s ago is skipped", () => {
  const queue = queueAt(20, cue(1, 4, "old"), cue(4, 6, "just in time"));
  assert.equal(at(queue, 20, 0), "just in time");
  assert.equal(at(queue, 22, 2), null);
});

test("what is due now goes before what is late, and nothing older comes after it", () => {
  const queue = queueAt(5, cue(1, 4, "late"), cue(4, 5, "later"), cue(6, 7, "due"));
  assert.equal(at(queue, 5, 0), "late");
  assert.equal(at(queue, 6, 1), "due");
  assert.equal(at(queue, 7, 2), null);
});

test("a cue that stands in two segments is shown once", () => {
  const queue = queueAt(5, cue(1, 3, "one"));
  assert.equal(at(queue, 5, 0), "one");
  queue.add([cue(1, 3, "one")], START + 6000);
  assert.equal(at(queue, 7, 2), null);
});

test("who goes back sees at its time what was late before", () => {
  const queue = queueAt(10, cue(5, 7, "one"));
  assert.equal(at(queue, 10, 0), "one");
  assert.equal(at(queue, 4, 1), null);
  assert.equal(at(queue, 5, 2), "one");
  assert.equal(at(queue, 7, 4), null);
});

test("while nobody knows the moment nothing is shown, and what comes then waits", () => {
  const queue = new CaptionQueue();
  queue.add([cue(2, 4, "one")], null);
  assert.equal(queue.at(null, 0), null);
  assert.equal(at(queue, 1, 1), null);
  assert.equal(at(queue, 2, 2), "one");
});

const PLAYLIST = `#EXTM3U
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-PROGRAM-DATE-TIME:2026-11-29T21:39:45.000Z
#EXTINF:1.96666,
e-7.vtt
#EXT-X-DISCONTINUITY
#EXT-X-PROGRAM-DATE-TIME:2026-11-29T21:39:50.500Z
#EXTINF:2.00000,
e-8.vtt
#EXT-X-RENDITION-REPORT:URI="../audio/index.m3u8",LAST-MSN=9
`;

test("the playlist says which segment shows which moments", () => {
  const { segments, ended } = readPlaylist(PLAYLIST);
  assert.deepEqual(segments.map(({ name, msn }) => [name, msn]), [["e-7.vtt", 7], ["e-8.vtt", 8]]);
  assert.equal(segments[1].fromMs, START + 5500);
  assert.equal(segments[1].toMs, START + 7500);
  assert.equal(ended, false);
  assert.equal(readPlaylist(`${PLAYLIST}#EXT-X-ENDLIST\n`).ended, true);
});

test("an empty playlist has no segments", () => {
  assert.deepEqual(readPlaylist("#EXTM3U\n"), { segments: [], ended: false });
});

/** Of two seconds each, from START on. */
const SEGMENTS = Array.from({ length: 60 }, (_, i) => ({
  name: `e-${i}.vtt`, msn: i, fromMs: START + i * 2000, toMs: START + (i + 1) * 2000,
}));
const names = (have, positionS) => missing(SEGMENTS, new Set(have), START + positionS * 1000).map(({ msn }) => msn);

test("who comes to the end of the list gets its last segment only, then what is new", () => {
  assert.deepEqual(names([], 124), [59]);
  assert.deepEqual(names(["e-57.vtt"], 124), [58, 59]);
  assert.deepEqual(names(["e-40.vtt"], 124), [57, 58, 59]);
  assert.deepEqual(names(["e-40.vtt"], 300), []);
});

test("who went back gets what is on the screen and what comes next", () => {
  assert.deepEqual(names(["e-19.vtt", "e-18.vtt", "e-17.vtt"], 41), Array.from({ length: 16 }, (_, i) => 20 + i));
});
