import assert from "node:assert/strict";
import test from "node:test";

import { layerName, levelChoices, qualityChoices, shownName, SOUND_ONLY, videoLayers } from "../../../signaling/web/layers.js";

const layer = (rid, width, height, bitrate, active = true) => ({
  rid, codec: "vp8", bitrate, width, height, active,
});
const SOUND = { rid: "", codec: "opus", bitrate: 48_000, width: 0, height: 0, active: true };
const THREE = [layer("q", 320, 180, 150_000), SOUND, layer("f", 1280, 720, 2_500_000), layer("h", 640, 360, 500_000)];

test("the best picture comes first and sound is no layer to choose", () => {
  assert.deepEqual(videoLayers(THREE).map(({ rid }) => rid), ["f", "h", "q"]);
});

test("a layer is named by its height, else by its bitrate, else by the publisher", () => {
  assert.equal(layerName(layer("f", 1280, 720, 1)), "720p");
  assert.equal(layerName(layer("f", 720, 1280, 1)), "720p");
  assert.equal(layerName(layer("f", 0, 0, 2_460_000)), "2.5 Mbit/s");
  assert.equal(layerName(layer("f", 0, 0, 480_400)), "480 kbit/s");
  assert.equal(layerName(layer("f", 0, 0, 0)), "f");
  assert.equal(layerName(layer("", 0, 0, 0)), "Video");
});

test("one layer is no choice", () => {
  assert.deepEqual(qualityChoices([SOUND, THREE[0]], { wish: null, shown: "180p" }), []);
  assert.deepEqual(qualityChoices([], { wish: null, shown: "" }), []);
});

test("automatic stands first and says what is shown now", () => {
  const choices = qualityChoices(THREE, { wish: null, shown: "360p" });
  assert.deepEqual(choices.map(({ name, note }) => [name, note]), [
    ["Auto", "360p"],
    ["720p", "2.5 Mbit/s"],
    ["360p", "500 kbit/s"],
    ["180p", "150 kbit/s"],
  ]);
  assert.deepEqual(choices.filter(({ checked }) => checked).map(({ id }) => id), [null]);
});

test("what was chosen is marked, and automatic keeps quiet then", () => {
  const choices = qualityChoices(THREE, { wish: "q", shown: "180p" });
  assert.deepEqual(choices.map(({ checked }) => checked), [false, false, false, true]);
  assert.equal(choices[0].note, "");
});

test("a choice that nobody sends any more falls back to automatic", () => {
  const choices = qualityChoices(THREE, { wish: "gone", shown: "720p" });
  assert.deepEqual(choices.filter(({ checked }) => checked).map(({ name }) => name), ["Auto"]);
});

test("a layer that rests is named so", () => {
  const choices = qualityChoices([layer("f", 1280, 720, 0, false), THREE[0]], { wish: null, shown: "" });
  assert.deepEqual([choices[1].resting, choices[1].note, choices[2].resting], [true, "not sent now", false]);
});

test("what is shown goes by the server's word, else by the picture", () => {
  assert.equal(shownName(THREE, "h", { width: 1280, height: 720 }), "360p");
  assert.equal(shownName(THREE, null, { width: 1280, height: 720 }), "720p");
  assert.equal(shownName([layer("h", 0, 0, 1), layer("q", 0, 0, 1)], "h", { width: 640, height: 360 }), "360p");
  assert.equal(shownName(THREE, null, { width: 0, height: 0 }), "");
});

const LEVELS = [{ name: "720p", height: 720, bitrate: 2e6 }, { name: "360p", height: 360, bitrate: 5e5 }];

test("a ladder's levels are chosen by name, and the sound alone is the last of them", () => {
  const choices = levelChoices(LEVELS, { wish: null, shown: "720p", sound: true });
  assert.deepEqual(choices.map(({ id, name, note, checked }) => [id, name, note, checked]), [
    [null, "Auto", "720p", true],
    ["720p", "720p", "2.0 Mbit/s", false],
    ["360p", "360p", "500 kbit/s", false],
    [SOUND_ONLY, "Sound only", "", false],
  ]);
  const chosen = (wish) => levelChoices(LEVELS, { wish, shown: "", sound: true }).find(({ checked }) => checked).id;
  assert.deepEqual(["360p", SOUND_ONLY, "1080p"].map(chosen), ["360p", SOUND_ONLY, null]);
});

test("one level without sound of its own is no choice", () => {
  assert.deepEqual(levelChoices(LEVELS.slice(1), { wish: null, shown: "", sound: false }), []);
  const names = levelChoices(LEVELS.slice(1), { wish: null, shown: "", sound: true }).map(({ name }) => name);
  assert.deepEqual(names, ["Auto", "Sound only"]);
});
