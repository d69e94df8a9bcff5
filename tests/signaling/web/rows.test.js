import assert from "node:assert/strict";
import test from "node:test";

import { mediaFigures } from "../../../signaling/web/mediafigures.js";
import { hlsRows, webrtcRows } from "../../../signaling/web/rows.js";
import { inboundFigures } from "../../../signaling/web/stats.js";

test("a WebRTC session of which nothing is known has rows of dashes", () => {
  const rows = new Map(webrtcRows(inboundFigures([]).figures, { firstFrameMs: null, reason: "" }));
  assert.equal(rows.get("Picture"), "–");
  assert.equal(rows.get("Loss"), "–");
  assert.equal(rows.get("Path"), "WebRTC");
  assert.equal(rows.has("Because"), false);
});

const SAMPLE = {
  at: 1000, transport: "llhls", player: "hls.js", frames: 300, dropped: 2, width: 1280, height: 720,
  videoBytes: 0, audioBytes: 0, level: "720p", levelBitrate: 2_400_000, codec: "avc1.64001f", audioCodec: "mp4a.40.2",
  bandwidth: 20_000_000, liveDelayMs: 1834, bufferMs: 1210, playbackRate: 1.05, stalls: 1, stallMs: 640, parts: 40, segments: 3,
};

test("an HLS session tells delay, buffer, stalls and what was loaded", () => {
  const rows = new Map(hlsRows(mediaFigures(SAMPLE).figures, { firstFrameMs: 412.4, reason: "" }));
  assert.deepEqual(
    ["Quality", "Behind live", "Buffer", "Speed", "Stalls", "Loaded", "First picture", "Path"].map((name) => rows.get(name)),
    ["720p, 2.4 Mbit/s", "1.83 s", "1.21 s", "1.05 ×", "1 (0.6 s)", "40 parts, 3 segments", "412 ms", "LL-HLS, hls.js"],
  );
});

test("a browser's own player tells less", () => {
  const sample = { ...SAMPLE, videoBytes: null, audioBytes: null, levelBitrate: null, bandwidth: null, liveDelayMs: null };
  const rows = new Map(hlsRows(mediaFigures(sample).figures, { firstFrameMs: null, reason: "" }));
  assert.deepEqual([rows.get("Behind live"), rows.get("Connection"), rows.get("Quality")], ["–", "–", "720p"]);
});

test("the reason for the transport stands with the figures", () => {
  assert.deepEqual(hlsRows(mediaFigures(SAMPLE).figures, { firstFrameMs: 1, reason: "why" }).at(-1), ["Because", "why"]);
});
