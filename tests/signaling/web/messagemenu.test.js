// What the menu offers to whom. The server has the last word; this only spares people refusals.

import assert from "node:assert/strict";
import test from "node:test";

import { choicesFor } from "../../../signaling/web/messagemenu.js";

const T = 1_800_000_000_000;
const entry = (id, roles = [], t = T) => ({ seq: 7, t, text: "hi", user: { id, name: id, roles } });
const room = (id, ...roles) => ({
  you: { id, name: id ?? "", roles, may_say: id !== null },
  isStaff: roles.includes("moderator") || roles.includes("owner"),
  isOwner: roles.includes("owner"),
});
const labels = (of, by, now = T) => choicesFor(of, by, now).map(({ label }) => label);

test("a reader can do nothing, a viewer can answer", () => {
  assert.deepEqual(labels(entry("ada"), room(null)), []);
  assert.deepEqual(labels(entry("ada"), room("bob")), ["Reply", "Mention"]);
});

test("people take back what they said for ten minutes", () => {
  assert.deepEqual(labels(entry("bob"), room("bob"), T + 599_000), ["Reply", "Delete"]);
  assert.deepEqual(labels(entry("bob"), room("bob"), T + 601_000), ["Reply"]);
});

test("a moderator acts on viewers", () => {
  const frames = choicesFor(entry("ada"), room("mo", "moderator"), T).map(({ frame }) => frame);
  assert.deepEqual(frames.filter((frame) => frame.op === "punish").map(({ act }) => act), [
    "timeout", "timeout", "timeout", "timeout", "ban", "shadow", "pardon",
  ]);
  assert.ok(frames.some((frame) => frame.op === "delete" && frame.seq === 7));
  assert.ok(!frames.some((frame) => frame.op === "appoint"));
});

test("nobody acts on their equals or on those above", () => {
  for (const roles of [["moderator"], ["owner"]]) {
    assert.deepEqual(labels(entry("ada", roles), room("mo", "moderator")), ["Reply", "Mention", "Pin above the chat"]);
  }
});

test("the owner makes moderators, and ends that", () => {
  assert.ok(labels(entry("ada"), room("ow", "owner")).includes("Make a moderator"));
  assert.ok(labels(entry("mo", ["moderator"]), room("ow", "owner")).includes("End being a moderator"));
});
