import assert from "node:assert/strict";
import test from "node:test";

import { badgeText, stateWords } from "../../../signaling/web/words.js";

const viewer = (name, more = {}) => ({
  state: { name, reason: more.reason ?? "", problem: more.problem ?? null },
  live: true, stalled: false, transport: "webrtc", ...more,
});
const headline = (...given) => stateWords(viewer(...given))[0];

test("the picture speaks for itself", () => {
  assert.deepEqual(stateWords(viewer("playing")), ["", ""]);
  assert.deepEqual(stateWords(viewer("idle")), ["", ""]);
});

test("every other state has words", () => {
  for (const name of ["connecting", "reconnecting", "offline", "failed"]) assert.notEqual(headline(name), "");
  assert.equal(headline("idle", { live: false }), "Offline right now");
});

test("a publisher who is away is named on every transport", () => {
  for (const transport of ["webrtc", "llhls", "hls"]) {
    assert.equal(headline("reconnecting", { transport, stalled: true, reason: "interrupted" }), "The stream is interrupted");
  }
});

test("a path that broke is a connection for WebRTC, and loading for HLS", () => {
  assert.equal(headline("reconnecting", { reason: "interrupted" }), "Reconnecting…");
  assert.equal(headline("reconnecting", { reason: "interrupted", transport: "llhls" }), "Loading…");
  assert.equal(headline("reconnecting", { reason: "lost", transport: "hls" }), "Reconnecting…");
});

test("a problem speaks in its own words", () => {
  const problem = { title: "The server restarts", detail: "", advice: "It goes on by itself." };
  assert.deepEqual(stateWords(viewer("reconnecting", { problem })), ["The server restarts", "It goes on by itself."]);
  assert.deepEqual(stateWords(viewer("failed", { problem })), ["The server restarts", "It goes on by itself."]);
});

test("the badge says live while pictures come, whatever the server says", () => {
  const badges = [
    ["playing", {}, "Live"], ["playing", { live: false }, "Live"], ["idle", { live: null }, "…"],
    ["offline", { live: false }, "Offline"], ["reconnecting", { stalled: true }, "Interrupted"], ["idle", {}, "Live"],
  ];
  for (const [name, more, badge] of badges) assert.equal(badgeText(viewer(name, more)), badge);
});
