import assert from "node:assert/strict";
import test from "node:test";

import { qualitiesOf, retune, videoEncodings } from "../../../signaling/web/encodings.js";

const HD = { kbps: 2500, fps: 30 };

test("three qualities of 720p", () => {
  assert.deepEqual(videoEncodings(HD, 3), [
    { rid: "q", scaleResolutionDownBy: 4, maxBitrate: 87_500, maxFramerate: 15 },
    { rid: "h", scaleResolutionDownBy: 2, maxBitrate: 500_000, maxFramerate: 30 },
    { rid: "f", scaleResolutionDownBy: 1, maxBitrate: 2_500_000, maxFramerate: 30 },
  ]);
});

test("no quality asks for more than the whole, nor for less than makes a picture", () => {
  const rates = (kbps) => videoEncodings({ kbps, fps: 30 }, 3).map(({ maxBitrate }) => maxBitrate / 1000);
  assert.deepEqual(rates(300), [50, 200, 300]);
  assert.deepEqual(rates(800), [50, 200, 800]);
  assert.deepEqual(rates(4500), [157.5, 900, 4500]);
});

test("one quality has no name", () => {
  assert.deepEqual(videoEncodings(HD, 1), [
    { scaleResolutionDownBy: 1, maxBitrate: 2_500_000, maxFramerate: 30 },
  ]);
});

test("two qualities leave out the smallest", () => {
  assert.deepEqual(videoEncodings(HD, 2).map(({ rid }) => rid), ["h", "f"]);
});

test("as many qualities as browsers send of a picture of that size", () => {
  assert.equal(qualitiesOf("VP8", { width: 1280, height: 720 }), 3);
  assert.equal(qualitiesOf("", { width: 960, height: 540 }), 3);
  assert.equal(qualitiesOf("H264", { width: 640, height: 480 }), 2);
  assert.equal(qualitiesOf("H264", { width: 480, height: 640 }), 2);
  assert.equal(qualitiesOf("H264", { width: 480, height: 360 }), 1);
  assert.equal(qualitiesOf("VP9", { width: 1280, height: 720 }), 1);
  assert.equal(qualitiesOf("VP8", {}), 1);
});

test("a new bitrate reaches every quality and leaves the rest of them alone", () => {
  const present = videoEncodings(HD, 3).map((one) => ({ ...one, active: true }));
  retune(present, { kbps: 1000, fps: 30 });
  assert.deepEqual(present.map(({ rid, maxBitrate, active }) => [rid, maxBitrate, active]), [
    ["q", 50_000, true],
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
