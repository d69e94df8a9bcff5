import assert from "node:assert/strict";
import test from "node:test";

import { INITIAL, reduce, STATE_NAMES } from "../../../signaling/web/states.js";

/** The state after events given by type. */
function after(...types) {
  return types.reduce((state, type) => reduce(state, { type }), INITIAL);
}

test("a viewer plays once pictures arrive, not before", () => {
  assert.equal(after("play").name, "connecting");
  assert.equal(after("play", "active").name, "connecting");
  assert.equal(after("play", "media").name, "playing");
});

test("a stall and a broken path both freeze the picture until media comes", () => {
  for (const trouble of ["stalled", "interrupted", "lost"]) {
    assert.equal(after("play", "media", trouble).name, "reconnecting");
    assert.equal(after("play", "media", trouble, "media").name, "playing");
  }
});

test("a channel that is not live waits for active", () => {
  assert.equal(after("play", "notLive").name, "offline");
  assert.equal(after("play", "notLive", "lost").name, "offline");
  assert.equal(after("play", "notLive", "active").name, "connecting");
});

test("pictures that go on by themselves end the offline state", () => {
  assert.equal(after("play", "media", "stalled", "inactive").name, "offline");
  assert.equal(after("play", "media", "stalled", "inactive", "media").name, "playing");
});

test("nothing starts before the viewer asks for it", () => {
  for (const type of ["active", "media", "stalled", "lost", "inactive", "notLive"]) {
    assert.equal(reduce(INITIAL, { type }), INITIAL);
  }
});

test("a refusal is final until the viewer tries again, and carries its problem", () => {
  const problem = { title: "no" };
  const refused = reduce(after("play"), { type: "refused", problem });
  assert.deepEqual([refused.name, refused.problem], ["failed", problem]);
  assert.equal(reduce(refused, { type: "active" }), refused);
  const again = reduce(refused, { type: "play" });
  assert.deepEqual([again.name, again.problem], ["connecting", null]);
});

test("another transport freezes the picture until it brings one, and starts counting anew", () => {
  const switched = after("play", "media", "lost", "switched");
  assert.deepEqual([switched.name, switched.attempt], ["reconnecting", 0]);
  assert.equal(after("play", "media", "switched", "media").name, "playing");
  assert.equal(after("play", "switched").name, "connecting");
});

test("attempts count sessions lost in a row and start anew after media", () => {
  assert.equal(after("play", "media", "lost", "lost", "lost").attempt, 3);
  assert.equal(after("play", "lost", "interrupted", "lost").attempt, 2);
  assert.equal(after("play", "media", "lost", "lost", "media").attempt, 0);
});

test("news that changes nothing returns the same object", () => {
  const playing = after("play", "media");
  assert.equal(reduce(playing, { type: "active" }), playing);
  assert.equal(reduce(playing, { type: "media" }), playing);
  const stalled = reduce(playing, { type: "stalled" });
  assert.equal(reduce(stalled, { type: "stalled" }), stalled);
});

test("every state survives every event, and stop always leads to idle", () => {
  const types = ["play", "media", "stalled", "interrupted", "lost", "notLive", "inactive", "active", "refused", "stop", "switched", "?"];
  for (const name of STATE_NAMES) {
    for (const type of types) {
      const next = reduce({ ...INITIAL, name }, { type });
      assert.ok(STATE_NAMES.includes(next.name), `${name} + ${type}`);
    }
    assert.equal(reduce({ ...INITIAL, name }, { type: "stop" }).name, "idle");
  }
});
