// Addresses from page to page.

import assert from "node:assert/strict";
import test from "node:test";

import { channelLink, clipLink, fileLink, nameIn, startMs, vodLink, watchLink } from "../../../signaling/web/pagelinks.js";

test("the name is the last part of the path", () => {
  assert.equal(nameIn("/vod/pond-20260520-120000-abcdef"), "pond-20260520-120000-abcdef");
  assert.equal(nameIn("/channel/pond/"), "pond");
  assert.equal(nameIn("/clip/%C3%A4"), "ä");
  assert.equal(nameIn("/clip/%"), "%");
});

test("a token goes along, and nothing that is not there", () => {
  assert.equal(watchLink("pond"), "/watch/pond");
  assert.equal(watchLink("pond", "a b"), "/watch/pond?token=a+b");
  assert.equal(channelLink("pond", null), "/channel/pond");
  assert.equal(clipLink("x/y", ""), "/clip/x%2Fy");
});

test("a file that an element loads carries the token by itself", () => {
  assert.equal(fileLink("/vod-clip/c/clip.mp4", null), "/vod-clip/c/clip.mp4");
  assert.equal(fileLink("/vod-clip/c/clip.mp4", "a b"), "/vod-clip/c/clip.mp4?token=a+b");
  assert.equal(fileLink("/x?y=1", "t"), "/x?y=1&token=t");
  assert.equal(fileLink(null, "t"), null);
});

test("a recording's link knows the second", () => {
  assert.equal(vodLink("pond-1"), "/vod/pond-1");
  assert.equal(vodLink("pond-1", { atMs: 90_900 }), "/vod/pond-1?t=90");
  assert.equal(vodLink("pond-1", { atMs: 400 }), "/vod/pond-1", "the begin needs no time");
  assert.equal(vodLink("pond-1", { atMs: 5000, token: "x" }), "/vod/pond-1?t=5&token=x");
});

test("?t= is seconds, or hours, minutes and seconds", () => {
  assert.equal(startMs("90"), 90_000);
  assert.equal(startMs("90.25"), 90_250);
  assert.equal(startMs("1m30s"), 90_000);
  assert.equal(startMs("1h2m"), 3_720_000);
  for (const nothing of [null, "", "abc", "-4", "1x", "NaN", "1e9", "9".repeat(40)]) assert.equal(startMs(nothing), 0, String(nothing));
});
