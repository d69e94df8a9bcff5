// Lines of what was said.

import assert from "node:assert/strict";
import test from "node:test";

import { lineAt, piecesOf } from "../../../signaling/web/vodsearch.js";

test("a find is cut out of its line", () => {
  assert.deepEqual(piecesOf({ text: "the heron is here", begin: 4, end: 9 }), ["the ", "heron", " is here"]);
});

test("places that are not in the line do no harm", () => {
  assert.deepEqual(piecesOf({ text: "abc", begin: -2, end: 99 }), ["", "abc", ""]);
  assert.deepEqual(piecesOf({ text: "abc", begin: 2, end: 1 }), ["ab", "", "c"]);
  assert.deepEqual(piecesOf({ text: "", begin: 5, end: 6 }), ["", "", ""]);
});

test("the line that is said, or was last", () => {
  const lines = [{ atMs: 1000 }, { atMs: 5000 }];
  assert.equal(lineAt(lines, 500), -1);
  assert.equal(lineAt(lines, 4999), 0);
  assert.equal(lineAt(lines, 50_000), 1);
});
