import assert from "node:assert/strict";
import test from "node:test";

import { PlayerPosition } from "../../../signaling/web/position.js";

const NTP = 2_208_988_800_000;
const NOW = 1_800_000_000_000;
const figures = (delay, more = {}) => ({ playoutNtpMs: NOW - delay + NTP, jitterBufferMs: 40, rttMs: 20, ...more });
const WATCHING = { state: "playing", paused: false };

test("over WebRTC the browser's playout time says it, and time goes on between two figures", () => {
  const player = new PlayerPosition();
  player.take(figures(180), NOW);
  assert.equal(player.at(WATCHING, NOW), NOW - 180);
  assert.equal(player.at(WATCHING, NOW + 700), NOW + 520);
});

test("one wild figure among five does not move it", () => {
  const player = new PlayerPosition();
  for (const delay of [180, 181, 900, 182, 183]) player.take(figures(delay), NOW);
  assert.equal(player.at(WATCHING, NOW), NOW - 182);
});

test("without a playout time, half a round trip and the jitter buffer are the delay", () => {
  const player = new PlayerPosition();
  player.take(figures(0, { playoutNtpMs: null }), NOW);
  assert.equal(player.at(WATCHING, NOW), NOW - 50);
});

test("the better source is not left for the worse one", () => {
  const player = new PlayerPosition();
  player.take(figures(0, { playoutNtpMs: null }), NOW);
  player.take(figures(180), NOW);
  player.take(figures(0, { playoutNtpMs: null }), NOW);
  assert.equal(player.at(WATCHING, NOW), NOW - 180);
});

test("a picture from the future, or from long ago, is a wrong figure", () => {
  for (const delay of [-5000, 60_000]) {
    const player = new PlayerPosition();
    player.take(figures(delay, { jitterBufferMs: null }), NOW);
    assert.equal(player.at(WATCHING, NOW), null);
  }
});

test("while the picture stands still, so does the position", () => {
  const player = new PlayerPosition();
  player.take(figures(200), NOW);
  player.at(WATCHING, NOW);
  assert.equal(player.at({ state: "reconnecting", paused: false }, NOW + 4000), NOW - 200);
  assert.equal(player.at({ state: "playing", paused: true }, NOW + 5000), NOW - 200);
  assert.equal(player.at(WATCHING, NOW + 6000), NOW + 5800);
});

test("where nothing plays there is none", () => {
  const player = new PlayerPosition();
  player.take(figures(200), NOW);
  for (const state of ["idle", "connecting", "offline", "failed"]) {
    assert.equal(player.at({ state, paused: false, playingMs: NOW - 4000 }, NOW), null);
  }
});

test("HLS says it by itself, unless it is ahead of the server", () => {
  const player = new PlayerPosition();
  assert.equal(player.at({ ...WATCHING, playingMs: NOW - 3000 }, NOW), NOW - 3000);
  assert.equal(player.at({ ...WATCHING, playingMs: NOW + 3000 }, NOW), null);
  assert.equal(player.at({ ...WATCHING, playingMs: null }, NOW), null);
});

test("another session's delay is not believed, but its place is kept for a while", () => {
  const player = new PlayerPosition();
  player.take(figures(200), NOW);
  assert.equal(player.at(WATCHING, NOW), NOW - 200);
  player.reset();
  assert.equal(player.at({ state: "connecting", paused: false }, NOW + 500), NOW - 200);
  assert.equal(player.at(WATCHING, NOW + 1000), NOW - 200);
  assert.equal(player.at({ ...WATCHING, playingMs: null }, NOW + 2000), NOW - 200);
  assert.equal(player.at({ ...WATCHING, playingMs: NOW - 6000 }, NOW + 3000), NOW - 6000);
  assert.equal(player.at({ ...WATCHING, playingMs: null }, NOW + 40_000), null);
});

test("who stopped watching has no place", () => {
  const player = new PlayerPosition();
  player.at({ ...WATCHING, playingMs: NOW - 3000 }, NOW);
  assert.equal(player.at({ state: "offline", paused: false, playingMs: null }, NOW), null);
  assert.equal(player.at({ state: "connecting", paused: false, playingMs: null }, NOW), null);
});
