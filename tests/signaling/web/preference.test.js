import assert from "node:assert/strict";
import test from "node:test";

import { rememberedWish, rememberWish } from "../../../signaling/web/preference.js";

const KNOWN = ["auto", "hls"];

function storage() {
  const kept = new Map();
  return { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value), removeItem: (key) => kept.delete(key) };
}

test("a wish is remembered until it is forgotten", () => {
  const browser = storage();
  assert.equal(rememberedWish(KNOWN, browser), null);
  rememberWish("hls", browser);
  assert.equal(rememberedWish(KNOWN, browser), "hls");
  rememberWish(null, browser);
  assert.equal(rememberedWish(KNOWN, browser), null);
});

test("what an older page left is not taken for a wish", () => {
  const browser = storage();
  rememberWish("flash", browser);
  assert.equal(rememberedWish(KNOWN, browser), null);
});

test("a browser that keeps nothing is no obstacle", () => {
  const refuses = () => {
    throw new Error("denied");
  };
  const browser = { getItem: refuses, setItem: refuses, removeItem: refuses };
  rememberWish("hls", browser);
  assert.equal(rememberedWish(KNOWN, browser), null);
  assert.equal(rememberedWish(KNOWN, null), null);
});
