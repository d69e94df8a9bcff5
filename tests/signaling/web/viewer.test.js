// A viewer against a browser and a server made of a few lines each (fakebrowser.js).

import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { ProblemError } from "../../../signaling/web/problem.js";
import { TransportPlan } from "../../../signaling/web/transportplan.js";
import { ChannelViewer } from "../../../signaling/web/viewer.js";
import { playing, server, settled, stream } from "./fakebrowser.js";

test("a session's own stream tells of the layer, and of sound alone", async () => {
  const viewer = await playing();
  assert.equal(stream.url, "http://sluice.test/whep/lina/s1/events/e");
  stream.say("layer", { rid: "h", audio_only: false });
  assert.deepEqual([viewer.rid, viewer.audioOnly], ["h", false]);
  stream.say("layer", { rid: null, audio_only: true });
  assert.deepEqual([viewer.rid, viewer.audioOnly], [null, true]);
  viewer.leave();
  assert.deepEqual([viewer.rid, viewer.audioOnly], [null, false]);
});

test("without a choice the server is not asked for any layer", async () => {
  const viewer = await playing();
  assert.deepEqual(server.asked, []);
  viewer.leave();
});

test("choices are sent in their order, and automatic as none", async () => {
  const viewer = await playing();
  viewer.choose("q");
  viewer.choose("f");
  await settled();
  viewer.choose(null);
  await settled();
  const layer = "/whep/lina/s1/layer";
  assert.deepEqual(server.asked, [[layer, { rid: "f" }], [layer, { rid: "f" }], [layer, {}]]);
  viewer.leave();
});

test("a choice outlives its session", async () => {
  const viewer = await playing();
  viewer.choose("q");
  await settled();
  viewer.play(); // as after a loss
  await settled();
  assert.deepEqual(server.asked.at(-1), ["/whep/lina/s2/layer", { rid: "q" }]);
  assert.equal(viewer.wish, "q");
  viewer.leave();
});

test("a layer that nobody sends leads back to automatic", async () => {
  const viewer = await playing();
  server.refuseLayer = 422;
  viewer.choose("x");
  await settled();
  assert.equal(viewer.wish, null);
  viewer.leave();
});

test("a choice that did not get through leaves the one before", async () => {
  const viewer = await playing();
  viewer.choose("q");
  await settled();
  server.refuseLayer = 503;
  viewer.choose("f");
  await settled();
  assert.equal(viewer.wish, "q");
  viewer.leave();
});

test("when the broadcast is over the channel's stream is listened to again", async () => {
  const viewer = await playing();
  stream.say("inactive", {});
  assert.equal(stream.url, "/api/channels/lina/events");
  viewer.leave();
});

// --- HLS where WebRTC cannot be

const CHROME = { webrtc: true, mse: true, nativeHls: false, apple: false, hlsJs: null };

/** A viewer whose HLS sessions are made of nothing; `outcomes`: how the next ones open. */
async function watching({ wish = "auto", outcomes = [] } = {}) {
  const sessions = [];
  const viewer = new ChannelViewer("lina", null, new TransportPlan({ wish, browser: CHROME }), (options) => {
    const session = {
      ...options,
      stalls: { often: () => session.stallsOften },
      stallsOften: false,
      live: true,
      wentLive: 0,
      keptAway: 0,
      open: async () => {
        const outcome = outcomes.shift();
        if (outcome) throw outcome;
      },
      keepAway: () => (session.keptAway += 1),
      goLive: () => (session.wentLive += 1),
      close: () => (session.closed = true),
    };
    sessions.push(session);
    return session;
  });
  await viewer.follow();
  stream.say("active", {});
  viewer.play();
  await settled();
  return { viewer, sessions, newest: () => sessions.at(-1) };
}

test("a server that takes no more is watched by HLS, with the reason", async () => {
  server.refuseOffer = { status: 503, code: "busy", title: "Sluice takes no more now" };
  const { viewer, newest } = await watching();
  assert.deepEqual([viewer.transport, newest().player, viewer.joins], ["llhls", "hls.js", 1]);
  assert.match(viewer.transportReason, /^All real-time places are taken; /);
  newest().handlers.onMoving();
  assert.equal(viewer.state.name, "playing");
  viewer.leave();
  assert.equal(newest().closed, true);
});

test("a connection that never comes up is given up for HLS", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { viewer } = await watching();
  assert.equal(viewer.transport, "webrtc");
  mock.timers.tick(6000);
  await settled();
  assert.equal(viewer.transport, "llhls");
  assert.match(viewer.transportReason, /^Your network blocks WebRTC; /);
  viewer.leave();
  mock.timers.reset();
});

test("repeated stalls lead from low delay to steady, unless the publisher is to blame", async () => {
  server.refuseOffer = { status: 503, code: "busy" };
  const { viewer, newest } = await watching();
  newest().handlers.onMoving();
  newest().handlers.onStall();
  assert.deepEqual([viewer.transport, newest().keptAway], ["llhls", 1]);
  newest().stallsOften = true;
  stream.say("stalled", {});
  newest().handlers.onStall();
  assert.equal(viewer.transport, "llhls");
  stream.say("resumed", {});
  newest().handlers.onStall();
  await settled();
  assert.equal(viewer.transport, "hls");
  viewer.leave();
});

test("HLS shows what it has after the broadcast's end, then the channel is offline", async () => {
  const { viewer, newest } = await watching({ wish: "hls" });
  newest().handlers.onMoving();
  stream.say("inactive", {});
  assert.equal(viewer.state.name, "playing");
  newest().handlers.onEnded();
  assert.deepEqual([viewer.state.name, viewer.session], ["offline", null]);
  viewer.leave();
});

test("a player that runs dry says so, and whose fault it is", async () => {
  const { viewer, newest } = await watching({ wish: "hls" });
  newest().handlers.onMoving();
  newest().handlers.onStarved();
  assert.deepEqual([viewer.state.name, viewer.state.reason], ["reconnecting", "interrupted"]);
  viewer.leave();
});

test("a publisher's pause is told when its pictures are used up, not before", async () => {
  const { viewer, newest } = await watching({ wish: "hls" });
  newest().handlers.onMoving();
  stream.say("stalled", {});
  assert.equal(viewer.state.name, "playing");
  newest().handlers.onStarved();
  assert.deepEqual([viewer.state.name, viewer.state.reason], ["reconnecting", "stalled"]);
  viewer.leave();
});

test("a player that stays dry although pictures are sent is given up for another", async (context) => {
  let now = 1000;
  context.mock.method(performance, "now", () => now);
  const { viewer, newest } = await watching({ wish: "hls" });
  newest().live = true;
  newest().handlers.onMoving();
  const starve = (ms) => {
    now += ms;
    newest()?.handlers.onStarved();
    return viewer.session !== null;
  };
  stream.say("stalled", {});
  assert.equal(starve(30_000), true, "nothing is sent");
  stream.say("resumed", {});
  assert.equal(starve(19_000), true);
  newest().live = false;
  assert.equal(starve(2000), true, "who went back is left there");
  newest().live = true;
  assert.equal(starve(0), false);
  assert.deepEqual([viewer.state.name, viewer.state.reason], ["reconnecting", "lost"]);
  viewer.leave();
});

test("what an HLS session finds wrong later leads on as if it had not opened", async () => {
  const { viewer, newest } = await watching({ wish: "hls" });
  newest().handlers.onLost(new ProblemError({ status: 425, title: "a broadcast of before" }));
  assert.equal(viewer.state.name, "reconnecting");
  viewer.play();
  await settled();
  stream.say("inactive", {});
  newest().handlers.onLost(new ProblemError({ status: 425, title: "a broadcast of before" }));
  assert.equal(viewer.state.name, "offline");
  viewer.leave();
});

test("what an HLS session of before still says is not heard", async () => {
  const { viewer, sessions } = await watching({ wish: "hls" });
  viewer.play();
  await settled();
  sessions[0].handlers.onMoving();
  assert.equal(viewer.state.name, "connecting");
  viewer.leave();
});

test("a playlist that is not there yet is tried again, and one of a dead channel is not", async () => {
  const soon = new ProblemError({ status: 425, title: "soon" });
  const live = await watching({ wish: "hls", outcomes: [soon] });
  assert.deepEqual([live.viewer.state.name, live.viewer.state.problem], ["reconnecting", soon]);
  live.viewer.leave();
  const dead = await watching({ wish: "hls", outcomes: [null, soon] });
  stream.say("inactive", {});
  dead.viewer.play();
  await settled();
  assert.equal(dead.viewer.state.name, "offline");
  dead.viewer.leave();
});

test("a server without HLS leads back to WebRTC", async () => {
  const { viewer } = await watching({ wish: "hls", outcomes: [new ProblemError({ status: 404, title: "none" })] });
  assert.deepEqual([viewer.transport, viewer.transportReason], [
    "webrtc", "This channel comes in real time only; watching in real time",
  ]);
  viewer.leave();
});

test("going back in time takes HLS, going live the transport of before", async () => {
  const { viewer, newest } = await watching();
  viewer.rewind(1_700_000_000_000);
  await settled();
  assert.deepEqual([viewer.transport, newest().startAtMs, viewer.rewound], ["hls", 1_700_000_000_000, true]);
  viewer.goLive();
  await settled();
  assert.deepEqual([viewer.transport, viewer.rewound, newest().closed], ["webrtc", false, true]);
  viewer.leave();
});

test("a past that cannot be had leaves the present", async () => {
  const { viewer } = await watching({ outcomes: [new ProblemError({ status: 503, title: "late" })] });
  viewer.rewind(1_700_000_000_000);
  await settled();
  assert.deepEqual([viewer.transport, viewer.rewound, viewer.state.name], ["webrtc", false, "connecting"]);
  viewer.leave();
});

test("on HLS going live is the player's own affair", async () => {
  const { viewer, newest } = await watching({ wish: "llhls" });
  viewer.goLive();
  assert.deepEqual([newest().wentLive, viewer.joins], [1, 1]);
  viewer.leave();
});

test("another wish changes the transport at once, the same one changes nothing", async () => {
  const { viewer, sessions } = await watching();
  viewer.wishTransport("webrtc");
  assert.equal(sessions.length, 0);
  viewer.wishTransport("llhls");
  await settled();
  assert.deepEqual([viewer.transport, sessions.length], ["llhls", 1]);
  viewer.leave();
});

test("a server that restarts is no matter for a player with seconds in hand", async () => {
  const { viewer, newest } = await watching({ wish: "hls" });
  newest().handlers.onMoving();
  stream.say("reconnect", { retry_ms: 500 });
  assert.deepEqual([viewer.state.name, viewer.session], ["playing", newest()]);
  viewer.leave();
});

test("when the media plane restarts, viewers come back soon, spread, and end nothing", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const random = mock.method(Math, "random", () => 0.5);
  const viewer = await playing();
  stream.say("reconnect", { retry_ms: 500, spread_ms: 2000, ended: true });
  assert.deepEqual([viewer.state.name, viewer.session, server.sessions], ["reconnecting", null, 1]);
  assert.equal(stream.url, "http://sluice.test/whep/lina/s1/events/e");
  mock.timers.tick(1749);
  await settled();
  assert.equal(server.sessions, 1);
  mock.timers.tick(1);
  await settled();
  assert.deepEqual([server.sessions, server.deleted], [2, []]);
  assert.equal(stream.url, "http://sluice.test/whep/lina/s2/events/e");
  viewer.leave();
  await settled();
  assert.deepEqual(server.deleted, ["/whep/lina/s2"]);
  random.mock.restore();
  mock.timers.reset();
});

test("a session whose stream is refused is asked for, and given up where nobody knows it", async () => {
  const viewer = await playing();
  stream.refuse();
  await settled();
  assert.deepEqual(server.patched, ["/whep/lina/s1"]);
  assert.notEqual(viewer.session, null);
  viewer.leave();

  const other = await playing();
  server.forgets = true;
  stream.refuse();
  await settled();
  assert.deepEqual(server.patched, ["/whep/lina/s1", "/whep/lina/s2"]);
  assert.equal(other.session, null);
  other.leave();
});

test("a stream of the session before, refused late, is no trouble of the new one's", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const viewer = await playing();
  stream.say("reconnect", { retry_ms: 500, ended: true });
  let open = null;
  server.streams = new Promise((resolve) => (open = resolve));
  mock.timers.tick(1500);
  await settled();
  assert.deepEqual([server.sessions, viewer.joins], [2, 2]);
  stream.refuse(); // the new session's is still asked for
  await settled();
  assert.deepEqual(server.patched, []);
  open();
  await settled();
  assert.equal(stream.url, "http://sluice.test/whep/lina/s2/events/e");
  stream.refuse();
  await settled();
  assert.deepEqual(server.patched, ["/whep/lina/s2"]);
  viewer.leave();
  mock.timers.reset();
});

test("a path that is still looked for is not looked for anew", async () => {
  for (const [state, asked] of [["connecting", 0], ["connected", 1]]) {
    const viewer = await playing();
    viewer.session.pc.connectionState = state;
    viewer.noteMedia();
    viewer.live = true;
    viewer.noteSilence();
    await settled();
    assert.equal(server.patched.length, asked, state);
    viewer.leave();
  }
});
