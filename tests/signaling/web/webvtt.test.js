// WebVTT as far as our server writes it.

import assert from "node:assert/strict";
import test from "node:test";

import { cuesOf } from "../../../signaling/web/webvtt.js";

test("cues have times and lines", () => {
  const text = "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n\n00:00:02.249 --> 00:00:04.949\none\ntwo\n\n7\n26:00:00.000 --> 26:00:01.000 align:start\nthree\n";
  assert.deepEqual(cuesOf(text), [
    { fromMs: 2249, toMs: 4949, text: "one\ntwo" },
    { fromMs: 93_600_000, toMs: 93_601_000, text: "three" },
  ]);
});

test("markup stays as it is: it is the browser's to read", () => {
  assert.equal(cuesOf("WEBVTT\n\n00:01.000 --> 00:02.000\n<i>a</i> &amp; b\n")[0].text, "<i>a</i> &amp; b");
});

test("what is no cue is left out", () => {
  assert.deepEqual(cuesOf("WEBVTT\n\n"), []);
  assert.deepEqual(cuesOf("WEBVTT\n\nNOTE x --> y\n\n00:99.000 --> 00:02.000\nno time\n"), []);
});
