// Which captions there are to choose, and which one somebody wants who chose before.

import assert from "node:assert/strict";
import test from "node:test";

import { captionChoices, keyOf, matching } from "../../../signaling/web/vodcaptions.js";

const LIST = [
  { language: "en", label: "English", kind: "final" },
  { language: "en", label: "English", kind: "live" },
  { language: "fi", label: "", kind: "upload" },
];

test("a track is named by language and kind, as its address changes", () => {
  assert.equal(keyOf({ ...LIST[0], vtt: "/a" }), keyOf({ ...LIST[0], vtt: "/b" }));
  assert.notEqual(keyOf(LIST[0]), keyOf(LIST[1]));
});

test("the menu begins with Off, and tells two of one language apart", () => {
  const choices = captionChoices(LIST, "en/live");
  assert.deepEqual(choices.map(({ name, note }) => [name, note]), [
    ["Off", ""], ["English", ""], ["English", "written live"], ["fi", "by the streamer"],
  ]);
  assert.deepEqual(choices.map(({ checked }) => checked), [false, false, true, false]);
  assert.equal(captionChoices(LIST, null)[0].checked, true);
  assert.deepEqual(captionChoices([], null), []);
});

test("who chose before gets the same, or the same language", () => {
  assert.equal(matching(LIST, "en/live"), "en/live");
  assert.equal(matching(LIST, "en/upload"), "en/final");
  assert.equal(matching(LIST, "de/final"), null);
  assert.equal(matching(LIST, null), null);
});
