import assert from "node:assert/strict";
import test from "node:test";

import { TransportPlan } from "../../../signaling/web/transportplan.js";

const CHROME = { webrtc: true, mse: true, nativeHls: false, apple: false, hlsJs: null };
const plan = (options = {}) => new TransportPlan({ browser: CHROME, ...options });
const name = (one, nowMs = 0) => one.choose(nowMs).name;

test("without a word about the browser there is WebRTC and nothing else", () => {
  const only = new TransportPlan();
  assert.equal(name(only), "webrtc");
  assert.equal(only.canLeave("webrtc", 0), false);
  assert.equal(only.trouble("webrtc", "blocked", 0), false);
  assert.equal(name(only), "webrtc");
});

test("trouble leads on to the next one", () => {
  const one = plan();
  assert.equal(one.trouble("webrtc", "blocked", 0), true);
  assert.equal(name(one), "llhls");
  assert.equal(one.trouble("llhls", "stalling", 0), true);
  assert.equal(name(one), "hls");
});

test("trouble that changes nothing is not kept", () => {
  const one = plan({ wish: "llhls" });
  assert.equal(one.trouble("llhls", "stalling", 0), false);
  one.wishFor("auto");
  assert.equal(name(one), "webrtc");
});

test("three broken connections in a minute are too many, two are not", () => {
  const one = plan();
  assert.deepEqual([one.broke(0), one.broke(10_000), one.broke(20_000)], [false, false, true]);
  assert.equal(name(one, 20_000), "llhls");
});

test("three broken connections over a longer time are life", () => {
  const one = plan();
  assert.deepEqual([one.broke(0), one.broke(50_000), one.broke(100_000)], [false, false, false]);
});

test("a full server's viewers go on by HLS, those of a server that stops do not", () => {
  assert.equal(plan().refused("webrtc", { status: 503, code: "busy" }, 0), true);
  assert.equal(plan().refused("webrtc", { status: 503, code: "stopping" }, 0), false);
  assert.equal(plan().refused("webrtc", { status: 503, code: "media-restarting" }, 0), false);
});

test("refusals that HLS would meet as well lead nowhere", () => {
  for (const status of [0, 401, 403, 404, 409, 429, 500]) {
    assert.equal(plan().refused("webrtc", { status, code: "" }, 0), false, String(status));
  }
});

test("an offer that was refused, or a browser that could not make one, leads to HLS", () => {
  for (const problem of [null, { status: 406 }, { status: 415 }, { status: 422 }]) {
    const one = plan();
    assert.equal(one.refused("webrtc", problem, 0), true);
    assert.equal(name(one), "llhls");
  }
});

test("a server without HLS is not asked for it again", () => {
  const one = plan({ wish: "hls" });
  assert.equal(one.refused("hls", { status: 404, code: "not-found" }, 0), true);
  assert.deepEqual([one.served, name(one)], [false, "webrtc"]);
});

test("a channel that does not exist says nothing about HLS", () => {
  const one = plan({ wish: "hls" });
  assert.equal(one.refused("hls", { status: 404, code: "channel-unknown" }, 0), false);
  assert.equal(one.served, null);
});

test("a server without hls.js leaves WebRTC", () => {
  const one = plan({ wish: "llhls" });
  assert.equal(one.refused("llhls", null, 0), true);
  const { name: next, reason } = one.choose(0);
  assert.equal(next, "webrtc");
  assert.match(reason, /hls\.js/);
});

test("a server without hls.js leaves the browser's own player, which is not tried twice", () => {
  const one = plan({ wish: "hls", browser: { ...CHROME, nativeHls: true } });
  assert.equal(one.refused("hls", null, 0), true);
  assert.deepEqual(one.choose(0), { name: "hls", player: "native", reason: "" });
  assert.equal(one.refused("hls", null, 0), false);
});

test("where nothing is left, a refusal is the last word", () => {
  const one = plan({ browser: { ...CHROME, webrtc: false } });
  assert.equal(one.refused("llhls", null, 0), false);
  assert.equal(name(one), null);
});

test("the past is shown by HLS, without an excuse, and the present as before", () => {
  const one = plan();
  one.rewoundTo = 5;
  assert.deepEqual(one.choose(0), { name: "hls", player: "hls.js", reason: "" });
  one.rewoundTo = null;
  assert.equal(name(one), "webrtc");
});

test("a wish forgets what went wrong, and the past", () => {
  const one = plan();
  one.trouble("webrtc", "blocked", 0);
  one.rewoundTo = 5;
  one.wishFor("webrtc");
  assert.deepEqual([name(one), one.rewoundTo], ["webrtc", null]);
});

test("a wish ends what the address had forced", () => {
  const one = plan({ wish: "hls", forced: true });
  assert.equal(one.canLeave("hls", 0), false);
  one.wishFor("auto");
  assert.equal(one.canLeave("webrtc", 0), true);
});
