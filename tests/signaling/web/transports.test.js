import assert from "node:assert/strict";
import test from "node:test";

import {
  chooseTransport, hasAlternative, hlsPlayer, transportChoices, withTrouble,
} from "../../../signaling/web/transports.js";

const CHROME = { webrtc: true, mse: true, nativeHls: false, apple: false, hlsJs: null };
const SAFARI = { ...CHROME, nativeHls: true, apple: true };
const NO_WEBRTC = { ...CHROME, webrtc: false };
const LONG_AGO = 0;
const NOW = 3_600_000;

/** Troubles as [transport, kind, minutes ago] each. */
const troubles = (...list) =>
  list.reduce((all, [name, kind, minutes = 0]) => withTrouble(all, name, kind, NOW - minutes * 60_000), {});

const choose = (facts) => chooseTransport({ wish: "auto", browser: CHROME, nowMs: NOW, ...facts });

const TABLE = [
  // what, facts, transport, player, reason
  ["nothing is known yet", {}, "webrtc", null, ""],
  ["the browser has no WebRTC", { browser: NO_WEBRTC }, "llhls", "hls.js",
    "This browser has no WebRTC; watching with about 2 seconds of delay"],
  ["the network lets no WebRTC through", { troubles: troubles(["webrtc", "blocked"]) }, "llhls", "hls.js",
    "Your network blocks WebRTC; watching with about 2 seconds of delay"],
  ["the same on an iPhone", { browser: SAFARI, troubles: troubles(["webrtc", "blocked"]) }, "llhls", "native",
    "Your network blocks WebRTC; watching with about 2 seconds of delay"],
  ["the server takes no more WebRTC viewers", { troubles: troubles(["webrtc", "busy"]) }, "llhls", "hls.js",
    "All real-time places are taken; watching with about 2 seconds of delay"],
  ["places may be free again", { troubles: troubles(["webrtc", "busy", 3]) }, "webrtc", null, ""],
  ["a network may have changed", { troubles: troubles(["webrtc", "blocked", 11]) }, "webrtc", null, ""],
  ["WebRTC broke again and again", { troubles: troubles(["webrtc", "unstable"]) }, "llhls", "hls.js",
    "The real-time connection kept breaking; watching with about 2 seconds of delay"],
  ["the offer was refused", { troubles: troubles(["webrtc", "refused"]) }, "llhls", "hls.js",
    "This browser cannot play the stream in real time; watching with about 2 seconds of delay"],
  ["LL-HLS stalls too", { troubles: troubles(["webrtc", "blocked", 2], ["llhls", "stalling"]) }, "hls", "hls.js",
    "Your connection is too uneven for a low delay; watching with about 7 seconds of delay"],
  ["LL-HLS stalled some time ago", { troubles: troubles(["webrtc", "blocked", 6], ["llhls", "stalling", 5]) }, "llhls", "hls.js",
    "Your network blocks WebRTC; watching with about 2 seconds of delay"],
  ["the server makes no HLS", { served: false }, "webrtc", null, ""],
  ["then trouble changes nothing", { served: false, troubles: troubles(["webrtc", "blocked"]) }, "webrtc", null, ""],
  ["hls.js is missing", { browser: { ...CHROME, hlsJs: false }, troubles: troubles(["webrtc", "busy"]) }, "webrtc", null, ""],
  ["hls.js is missing and the browser plays HLS by itself",
    { browser: { ...NO_WEBRTC, nativeHls: true, hlsJs: false } }, "hls", "native",
    "This browser has no WebRTC; watching with about 7 seconds of delay"],
  ["low delay was wished for and only such a browser's player is there",
    { wish: "llhls", browser: { ...CHROME, nativeHls: true, hlsJs: false } }, "hls", "native",
    "This browser's own player keeps a larger distance; watching with about 7 seconds of delay"],
  ["nothing can be played", { browser: { ...NO_WEBRTC, hlsJs: false } }, null, null,
    "This browser has no WebRTC, and this server lacks hls.js, which HLS needs here"],
  ["no WebRTC and no HLS from the server", { browser: NO_WEBRTC, served: false }, null, null,
    "This browser has no WebRTC, and this channel comes in no other way"],
  ["a browser without anything", { browser: { ...NO_WEBRTC, mse: false } }, null, null,
    "This browser can play neither WebRTC nor HLS"],

  ["steady was wished for", { wish: "hls" }, "hls", "hls.js", ""],
  ["low delay was wished for", { wish: "llhls" }, "llhls", "hls.js", ""],
  ["a wish outweighs stalls", { wish: "llhls", troubles: troubles(["llhls", "stalling"]) }, "llhls", "hls.js", ""],
  ["a wish outweighs breaks", { wish: "webrtc", troubles: troubles(["webrtc", "unstable"]) }, "webrtc", null, ""],
  ["no wish opens a blocked network", { wish: "webrtc", troubles: troubles(["webrtc", "blocked"]) }, "llhls", "hls.js",
    "Your network blocks WebRTC; watching with about 2 seconds of delay"],
  ["steady cannot be had", { wish: "hls", served: false }, "webrtc", null,
    "This channel comes in real time only; watching in real time"],
  ["an unknown wish is none", { wish: "carrier pigeon" }, "webrtc", null, ""],

  ["forced holds against trouble", { wish: "webrtc", forced: true, troubles: troubles(["webrtc", "blocked"]) }, "webrtc", null, ""],
  ["forced cannot do the impossible", { wish: "webrtc", forced: true, browser: NO_WEBRTC }, "llhls", "hls.js",
    "This browser has no WebRTC; watching with about 2 seconds of delay"],
];

for (const [what, facts, name, player, reason] of TABLE) {
  test(`${what}: ${name ?? "nothing"}`, () => {
    assert.deepEqual(choose(facts), { name, player, reason });
  });
}

test("HLS is played by Apple's own player on Apple's browsers, else by hls.js if it can be had", () => {
  assert.equal(hlsPlayer(SAFARI), "native");
  assert.equal(hlsPlayer(CHROME), "hls.js");
  assert.equal(hlsPlayer({ ...CHROME, nativeHls: true }), "hls.js");
  assert.equal(hlsPlayer({ ...CHROME, nativeHls: true, hlsJs: false }), "native");
  assert.equal(hlsPlayer({ ...CHROME, nativeHls: true, mse: false }), "native");
  assert.equal(hlsPlayer({ ...CHROME, hlsJs: false }), null);
});

test("there is an alternative where something else can be played and nothing is forced", () => {
  const facts = { wish: "auto", browser: CHROME };
  assert.equal(hasAlternative(facts, "webrtc"), true);
  assert.equal(hasAlternative({ ...facts, served: false }, "webrtc"), false);
  assert.equal(hasAlternative({ ...facts, forced: true }, "webrtc"), false);
  assert.equal(hasAlternative({ ...facts, browser: NO_WEBRTC, served: false }, "llhls"), false);
});

test("a trouble that nobody knows is a mistake of ours", () => {
  assert.throws(() => withTrouble({}, "hls", "blocked", LONG_AGO), RangeError);
  assert.throws(() => withTrouble({}, "webrtc", "toString", LONG_AGO), RangeError);
});

test("troubles that were remembered stay as they were", () => {
  const before = troubles(["webrtc", "busy"]);
  withTrouble(before, "webrtc", "blocked", NOW);
  assert.equal(before.webrtc.kind, "busy");
});

test("the menu offers automatic and all three, and says what automatic took", () => {
  const choices = transportChoices({ wish: "auto", browser: CHROME }, "llhls");
  assert.deepEqual(choices.map(({ id, name, note, checked }) => [id, name, note, checked]), [
    ["auto", "Auto", "Low delay", true],
    ["webrtc", "Real time (WebRTC)", "", false],
    ["llhls", "Low delay (LL-HLS)", "", false],
    ["hls", "Steady (HLS)", "", false],
  ]);
});

test("the menu marks what cannot be done here", () => {
  const choices = transportChoices({ wish: "hls", browser: NO_WEBRTC }, "hls");
  assert.deepEqual(choices.map(({ checked, resting }) => [checked, resting]), [
    [false, false], [false, true], [false, false], [true, false],
  ]);
  assert.equal(choices[1].note, "not possible here");
});

test("a single way is no choice", () => {
  assert.deepEqual(transportChoices({ wish: "auto", browser: CHROME, served: false }, "webrtc"), []);
});
