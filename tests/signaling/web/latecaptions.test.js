// When it is asked whether there are captions.

import assert from "node:assert/strict";
import test from "node:test";

import { mayAsk } from "../../../signaling/web/latecaptions.js";

test("the picture has its turn first", () => {
  assert.equal(mayAsk("playing", 2999, 0), false);
  assert.equal(mayAsk("playing", 3000, 0), true);
  for (const state of ["idle", "connecting", "reconnecting", "offline"]) assert.equal(mayAsk(state, 60_000, 0), false, state);
});

test("captions that begin later are found, and nobody asks for ever", () => {
  assert.equal(mayAsk("playing", 5000, 1), false);
  assert.equal(mayAsk("playing", 20_000, 1), true);
  assert.equal(mayAsk("playing", 3_600_000, 3), false);
});
