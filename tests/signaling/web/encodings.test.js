import assert from "node:assert/strict";
import test from "node:test";

import { canSendSeveral, retune, videoEncodings } from "../../../signaling/web/encodings.js";

const HD = { kbps: 2500, fps: 30 };

test("three qualities of 720p", () => {
  assert.deepEqual(videoEncodings(HD, true), [
    { rid: "q", scaleResolutionDownBy: 4, maxBitrate: 150_000, maxFramerate: 15 },
    { rid: "h", scaleResolutionDownBy: 2, maxBitrate: 500_000, maxFramerate: 30 },
    { rid: "f", scaleResolutionDownBy: 1, maxBitrate: 2_500_000, maxFramerate: 30 },
  ]);
});

test("no quality asks for more than the whole, nor for less than makes a picture", () => {
  const rates = (kbps) => videoEncodings({ kbps, fps: 30 }, true).map(({ maxBitrate }) => maxBitrate / 1000);
  assert.deepEqual(rates(300), [80, 200, 300]);
  assert.deepEqual(rates(800), [80, 200, 800]);
  assert.deepEqual(rates(4500), [270, 900, 4500]);
});

test("one quality has no name", () => {
  assert.deepEqual(videoEncodings(HD, false), [
    { scaleResolutionDownBy: 1, maxBitrate: 2_500_000, maxFramerate: 30 },
  ]);
});

test("only wide pictures and codecs that browsers send so come in several qualities", () => {
  assert.ok(canSendSeveral("VP8", 640));
  assert.ok(canSendSeveral("", 1280));
  assert.ok(!canSendSeveral("H264", 320));
  assert.ok(!canSendSeveral("VP9", 1280));
});

test("a new bitrate reaches every quality and leaves the rest of them alone", () => {
  const present = videoEncodings(HD, true).map((one) => ({ ...one, active: true }));
  retune(present, { kbps: 1000, fps: 30 });
  assert.deepEqual(present.map(({ rid, maxBitrate, active }) => [rid, maxBitrate, active]), [
    ["q", 80_000, true],
    ["h", 200_000, true],
    ["f", 1_000_000, true],
  ]);
});

test("what is left of a refused simulcast becomes the full picture", () => {
  const present = [{ rid: "q", scaleResolutionDownBy: 4, maxBitrate: 150_000, active: true }];
  retune(present, HD);
  assert.deepEqual(present, [
    { rid: "q", scaleResolutionDownBy: 1, maxBitrate: 2_500_000, maxFramerate: 30, active: true },
  ]);
});
