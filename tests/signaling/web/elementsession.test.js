// A session over a video element made of a few lines. What plays is told by the test.

import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { ElementSession } from "../../../signaling/web/elementsession.js";

const DAY = Date.UTC(2026, 0, 2);
let now = 0;

class Video extends EventTarget {
  currentTime = 10;
  paused = false;
  seeking = false;
  ended = false;
  playbackRate = 1;
  videoWidth = 1280;
  videoHeight = 720;
  buffered = { length: 1, start: () => 0, end: () => 15 };
  getVideoPlaybackQuality = () => ({ totalVideoFrames: 300, droppedVideoFrames: 1 });
  play = async () => {};
  load() {}
  removeAttribute() {}

  say(name) {
    this.dispatchEvent(new Event(name));
  }
}

class Session extends ElementSession {
  attached = true;
  anchors = [{ time: 0, date: DAY }];
  startTime = 0;
  liveTime = 12;
  source = { videoBytes: 0, audioBytes: 0, parts: 4, segments: 1, level: "720p" };
  finished = false;
}

let heard;
let video;
let session;

beforeEach((context) => {
  mock.timers.enable({ apis: ["setInterval"] });
  context.mock.method(performance, "now", () => now);
  now = 0;
  heard = [];
  video = new Video();
  session = begun({});
});

function begun(options) {
  const told = (name) => () => heard.push(name);
  const handlers = { onMoving: told("moving"), onStarved: told("starved"), onStall: told("stall"), onEnded: told("ended") };
  const made = new Session({ video, transport: "llhls", clock: { at: () => DAY + 13_500 }, handlers, ...options });
  made.begin();
  video.say("playing");
  heard.length = 0;
  return made;
}

/** Time passes; the picture moves along with it, or not. */
function pass(ms, { moving = true } = {}) {
  for (let gone = 0; gone < ms; gone += 200) {
    now += 200;
    if (moving) video.currentTime += 0.2;
    mock.timers.tick(200);
  }
}

const end = () => {
  session.close();
  mock.timers.reset();
};

test("moments follow from the playlist's dates", () => {
  assert.equal(session.playingMs, DAY + 10_000);
  assert.equal(session.liveDelayMs, 3500);
  assert.deepEqual(session.seekable, { start: DAY, end: DAY + 12_000 });
  assert.equal(session.bufferMs, 5000);
  end();
});

test("a picture that moves is told, one that stands is counted and then told", () => {
  pass(400);
  assert.deepEqual(heard, ["moving", "moving"]);
  heard.length = 0;
  pass(600, { moving: false });
  assert.deepEqual([heard, session.stalls.count], [["stall"], 1]);
  pass(600, { moving: false });
  assert.ok(heard.includes("starved"));
  end();
});

test("a pause is no stall, and leaves live when it lasts", () => {
  video.paused = true;
  video.say("pause");
  pass(5000, { moving: false });
  assert.deepEqual([heard, session.live], [[], false]);
  session.liveTime += 5;
  video.paused = false;
  video.say("play");
  assert.equal(session.live, false);
  end();
});

test("who begins in the past stays there, before anything is known of the stream and after", () => {
  session.close();
  session = begun({ startAtMs: DAY + 2000 });
  session.anchors = [];
  video.say("play");
  assert.equal(session.live, false);
  session.anchors = [{ time: 0, date: DAY }];
  video.currentTime = 2;
  video.say("play");
  assert.equal(session.live, false);
  end();
});

test("a player that began at live in place of the past is sent there, once", () => {
  session.close();
  session = begun({ startAtMs: DAY + 2000 });
  assert.equal(video.currentTime, 2);
  video.currentTime = 8;
  video.say("playing");
  assert.equal(video.currentTime, 8);
  end();
});

test("a short pause is forgiven", () => {
  video.say("pause");
  video.say("play");
  assert.equal(session.live, true);
  end();
});

test("a seek is no stall unless it never ends", () => {
  video.seeking = true;
  video.say("seeking");
  pass(1400, { moving: false });
  assert.equal(session.stalls.count, 0);
  pass(600, { moving: false });
  assert.equal(session.stalls.count, 1);
  end();
});

test("who goes back stays there, who goes to the end watches live", () => {
  session.seek(DAY + 2000);
  assert.deepEqual([video.currentTime, session.live], [2, false]);
  pass(400);
  assert.ok(video.currentTime < 3);
  session.seek(DAY + 11_500);
  assert.deepEqual([video.currentTime, session.live], [12, true]);
  session.seek(DAY - 60_000);
  assert.deepEqual([video.currentTime, session.live], [0, false]);
  session.goLive();
  assert.deepEqual([video.currentTime, session.live], [12, true]);
  end();
});

test("a follower of live that fell far behind is taken back to it", () => {
  session.liveTime = 14;
  pass(200);
  assert.ok(video.currentTime < 11);
  session.liveTime = 20;
  pass(200);
  assert.equal(video.currentTime, 20);
  end();
});

test("a follower before a hole goes to live once that is more than a gap, others stay", () => {
  let gap = true;
  session.sent = (time) => time === session.liveTime && !gap;
  video.seeking = true; // hls.js nudged it, and the browser waits for pictures that never come
  video.say("seeking");
  session.liveTime = 15;
  pass(6000, { moving: false });
  assert.equal(video.currentTime, 10, "there is nothing to see there");
  gap = false;
  pass(400, { moving: false });
  assert.equal(video.currentTime, 15);
  video.say("seeking");

  session.liveTime = 18;
  pass(4000, { moving: false });
  assert.equal(video.currentTime, 15, "no hole is that short");

  session.seek(DAY + 10_000);
  video.say("seeking");
  pass(6000, { moving: false });
  assert.equal(video.currentTime, 10, "who went back waits for what is there");
  end();
});

test("a session that is closed because it starves touches the element no more", () => {
  let closes = null;
  const handlers = { onMoving() {}, onStall() {}, onStarved: () => closes?.close() };
  session.close();
  session = new Session({ video, transport: "llhls", clock: { at: () => DAY }, handlers });
  session.begin();
  video.say("playing");
  closes = session;
  session.liveTime = 15;
  session.sent = () => true;
  pass(2000, { moving: false });
  assert.deepEqual([session.over, video.currentTime], [true, 10]);
  end();
});

test("what a player holds was sent", () => {
  assert.equal(session.sent(14.9), true);
  assert.equal(session.sent(15), false);
  end();
});

test("what is left of a finished broadcast is shown to its end", () => {
  session.liveTime = 60;
  session.finished = true;
  pass(200);
  assert.ok(video.currentTime < 11);
  video.say("ended");
  assert.equal(heard.at(-1), "ended");
  end();
});

test("another source in the element is nobody's wish to pause", () => {
  session.swap();
  video.say("pause");
  assert.equal(session.live, true);
  pass(2000, { moving: false });
  assert.equal(session.stalls.count, 0);
  end();
});

test("a session that is over looks at nothing any more", () => {
  assert.equal(session.owns(video), true);
  session.close();
  pass(400);
  video.say("ended");
  assert.deepEqual([heard, session.owns(video)], [[], false]);
  mock.timers.reset();
});

test("the figures hold what the element and the player tell", () => {
  const { figures } = session.figures(null);
  assert.deepEqual([figures.framesDecoded, figures.liveDelayMs, figures.bufferMs, figures.parts], [300, 3500, 5000, 4]);
  end();
});
