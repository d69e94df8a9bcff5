import assert from "node:assert/strict";
import test from "node:test";

import { preferredCodecs, sendableCodecs } from "../../../signaling/web/whip.js";

const CODECS = ["VP8", "rtx", "AV1", "H264", "red", "VP9", "ulpfec", "H264"].map((name) => ({
  mimeType: `video/${name}`,
}));
const names = (codecs) => codecs.map(({ mimeType }) => mimeType.slice(6));

test("the chosen codec comes first, then ours, and repair formats stay", () => {
  const first = names(preferredCodecs(CODECS, "VP9"));
  assert.deepEqual(first, ["VP9", "H264", "H264", "VP8", "AV1", "rtx", "red", "ulpfec"]);
});

test("without a choice H.264 leads", () => {
  assert.deepEqual(names(preferredCodecs(CODECS, "")).slice(0, 5), ["H264", "H264", "VP8", "VP9", "AV1"]);
});

test("a browser without WebRTC can send nothing", () => {
  assert.deepEqual(sendableCodecs(), []);
});
