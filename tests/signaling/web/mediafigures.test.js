import assert from "node:assert/strict";
import test from "node:test";

import { bufferAhead, mediaFigures, namedLevels } from "../../../signaling/web/mediafigures.js";

const sample = (more) => ({
  at: 0, transport: "hls", player: "hls.js", frames: 0, dropped: 0, width: 1280, height: 720, videoBytes: 0, audioBytes: 0,
  level: "720p", levelBitrate: 1, codec: "avc1.64001f", audioCodec: "mp4a.40.2", bandwidth: 1, liveDelayMs: 1, bufferMs: 1,
  playbackRate: 1, stalls: 0, stallMs: 0, parts: 0, segments: 0, ...more,
});

test("rates are taken over the time between two samples", () => {
  const { snapshot } = mediaFigures(sample({ at: 1000, frames: 10, videoBytes: 5000, audioBytes: 100 }));
  const { figures } = mediaFigures(sample({ at: 3000, frames: 70, videoBytes: 505_000, audioBytes: 24_100 }), snapshot);
  assert.deepEqual([figures.fps, figures.videoKbps, figures.audioKbps], [30, 2000, 96]);
  assert.deepEqual([figures.codec, figures.audioCodec, figures.protocol], ["H264", "AAC", "HLS"]);
});

test("the first sample has no rates, nor has one of another element", () => {
  const { figures, snapshot } = mediaFigures(sample({ at: 1000, frames: 100 }));
  assert.deepEqual([figures.fps, figures.videoKbps], [null, null]);
  assert.equal(mediaFigures(sample({ at: 2000, frames: 3 }), snapshot).figures.fps, null);
});

test("what a player does not tell is unknown and not zero", () => {
  const { figures } = mediaFigures(sample({ videoBytes: null, bandwidth: null, codec: null, width: 0 }), null);
  assert.deepEqual([figures.videoKbps, figures.bandwidthKbps, figures.codec, figures.width], [null, null, null, null]);
});

test("levels are named by their lines, best first, and keep the player's number", () => {
  const named = namedLevels([
    { width: 640, height: 360, bitrate: 5e5 }, { width: 1280, height: 720, bitrate: 2e6 }, { width: 1080, height: 1920, bitrate: 4e6 },
  ]);
  assert.deepEqual(named.map(({ name, index }) => [name, index]), [["1080p", 2], ["720p", 1], ["360p", 0]]);
});

test("two levels of one size are told apart by their bitrates", () => {
  const named = namedLevels([{ width: 1280, height: 720, bitrate: 15e5 }, { width: 1280, height: 720, bitrate: 3e6 }]);
  assert.deepEqual(named.map(({ name }) => name), ["720p, 3.0 Mbit/s", "720p, 1.5 Mbit/s"]);
});

test("the buffer ends at the first hole", () => {
  const ranges = [{ start: 0, end: 4 }, { start: 6, end: 9 }];
  assert.deepEqual([1, 5, 6, 8.5].map((time) => bufferAhead(ranges, time)), [3000, 0, 3000, 500]);
  assert.equal(bufferAhead([], 0), 0);
});
