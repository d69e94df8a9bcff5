// The connection against sockets and data channels that are a few lines each.

import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { ChatConnection } from "../../../signaling/web/chatconnection.js";
import { ProblemError } from "../../../signaling/web/problem.js";

const WELCOME = { op: "welcome", v: 1, epoch: "e", seq: 5, recovered: false, you: {}, state: {} };
let sockets;
let frames;
let identity;
let connection;

class FakeLine extends EventTarget {
  sent = [];
  readyState = 1;

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.readyState = 3;
  }

  say(name, more = {}) {
    this.dispatchEvent(Object.assign(new Event(name), more));
  }

  frame(frame) {
    this.say("message", { data: JSON.stringify(frame) });
  }
}

class FakeSocket extends FakeLine {
  static OPEN = 1;

  constructor(url) {
    super();
    this.url = url;
    sockets.push(this);
  }
}

class FakeChannel extends FakeLine {
  readyState = "connecting";

  close() {
    this.readyState = "closed";
  }

  open() {
    this.readyState = "open";
    this.say("open");
  }
}

globalThis.WebSocket = FakeSocket;
globalThis.location = new URL("http://sluice.test/watch/lina");

beforeEach((context) => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  context.mock.method(performance, "now", () => now);
  now = 0;
  sockets = [];
  frames = [];
  identity = { tickets: 0, refusal: null, ticket: async () => {
    if (identity.refusal) throw identity.refusal;
    identity.tickets += 1;
    return { ticket: `t${identity.tickets}`, url: "/chat/lina" };
  } };
  connection = new ChatConnection({ identity, onFrame: ({ op }) => frames.push(op), position: () => 42 });
});

let now = 0;

async function settled() {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

async function inRoom() {
  connection.start();
  await settled();
  sockets.at(-1).say("open");
  sockets.at(-1).frame(WELCOME);
}

function batchTo(line, last) {
  line.frame({ op: "batch", epoch: "e", first: 1, last, items: [] });
}

async function later(ms) {
  now += ms;
  mock.timers.tick(ms);
  await settled();
}

test("it takes a ticket, opens a WebSocket of this host and says where the picture is", async () => {
  await inRoom();
  assert.equal(sockets[0].url, "ws://sluice.test/chat/lina");
  assert.deepEqual(sockets[0].sent[0], { op: "hello", v: 1, ticket: "t1", at: 42 });
  assert.deepEqual([connection.status, connection.transport, frames], ["in", "websocket", ["welcome"]]);
});

test("after a loss it comes back with another ticket and resumes", async () => {
  await inRoom();
  batchTo(sockets[0], 9);
  sockets[0].say("close", { code: 1006 });
  assert.equal(connection.status, "waiting");
  await later(300);
  sockets[1].say("open");
  assert.deepEqual([sockets[1].sent[0].ticket, sockets[1].sent[0].resume], ["t2", { epoch: "e", seq: 9 }]);
});

test("a line that was left is not heard any more", async () => {
  await inRoom();
  sockets[0].say("close", { code: 1006 });
  await later(300);
  sockets[0].frame({ op: "presence" });
  sockets[0].say("close", { code: 1006 });
  assert.equal(sockets.length, 2);
  assert.deepEqual(frames, ["welcome"]);
});

test("a goodbye says when to come back", async () => {
  await inRoom();
  sockets[0].frame({ op: "bye", code: 10, detail: "Full.", retry_ms: 5000 });
  sockets[0].say("close", { code: 4010 });
  await later(4900);
  assert.equal(sockets.length, 1);
  await later(1000);
  assert.equal(sockets.length, 2);
});

test("a goodbye without a time is for good, until a person asks", async () => {
  await inRoom();
  sockets[0].frame({ op: "bye", code: 6, detail: "Reload the page.", retry_ms: 0 });
  sockets[0].say("close", { code: 4006 });
  await later(60_000);
  assert.deepEqual([connection.status, connection.problem.title, sockets.length], ["away", "Reload the page.", 1]);
  connection.start();
  await settled();
  assert.equal(sockets.length, 2);
});

test("a server without chat is left alone", async () => {
  identity.refusal = new ProblemError({ status: 404, code: "not-found", title: "Not found" });
  connection.start();
  await settled();
  await later(60_000);
  assert.deepEqual([connection.status, sockets.length], ["absent", 0]);
});

test("an unknown channel is no server without chat", async () => {
  identity.refusal = new ProblemError({ status: 404, code: "channel-unknown", title: "No such channel" });
  connection.start();
  await settled();
  assert.deepEqual([connection.status, connection.problem.title], ["away", "No such channel"]);
});

test("a server that is busy is asked again", async () => {
  identity.refusal = new ProblemError({ status: 503, title: "Busy", retryAfterMs: 2000 });
  connection.start();
  await settled();
  assert.equal(connection.status, "waiting");
  identity.refusal = null;
  await later(2600);
  assert.equal(sockets.length, 1);
});

test("a session's data channel takes over, and resumes without a repeat", async () => {
  await inRoom();
  batchTo(sockets[0], 9);
  const channels = { chat: new FakeChannel(), hearts: new FakeChannel() };
  connection.useChannels(channels);
  assert.equal(connection.transport, "websocket", "the channel is not open yet");
  channels.chat.open();
  await settled();
  assert.equal(sockets[0].readyState, 3);
  assert.deepEqual(channels.chat.sent[0].resume, { epoch: "e", seq: 9 });
  channels.chat.frame({ ...WELCOME, recovered: true });
  assert.equal(connection.transport, "webrtc");
});

test("when the session ends, a WebSocket goes on where the channel was", async () => {
  await inRoom();
  const channels = { chat: new FakeChannel(), hearts: new FakeChannel() };
  connection.useChannels(channels);
  channels.chat.open();
  await settled();
  channels.chat.frame({ ...WELCOME, recovered: true });
  batchTo(channels.chat, 12);
  connection.useChannels(null);
  await later(300);
  sockets.at(-1).say("open");
  assert.deepEqual(sockets.at(-1).sent[0].resume, { epoch: "e", seq: 12 });
});

test("a goodbye over a channel ends the chat there, not the channel", async () => {
  await inRoom();
  const channels = { chat: new FakeChannel(), hearts: new FakeChannel() };
  connection.useChannels(channels);
  channels.chat.open();
  await settled();
  channels.chat.frame({ ...WELCOME, recovered: true });
  channels.chat.frame({ op: "bye", code: 7, detail: "Too slow.", retry_ms: 2000 });
  await later(2600);
  assert.equal(channels.chat.readyState, "open");
  assert.deepEqual(channels.chat.sent.map(({ op }) => op), ["hello", "hello"]);
});

test("a channel that nobody answers on is left for a WebSocket", async () => {
  await inRoom();
  const channels = { chat: new FakeChannel(), hearts: new FakeChannel() };
  connection.useChannels(channels);
  channels.chat.open();
  await settled();
  for (let second = 0; second < 6; second += 1) await later(1000);
  assert.equal(channels.chat.readyState, "closed");
  assert.equal(sockets.length, 2);
});

test("a channel on which somebody is greeted already is left at once", async () => {
  await inRoom();
  const channels = { chat: new FakeChannel(), hearts: new FakeChannel() };
  connection.useChannels(channels);
  channels.chat.open();
  await settled();
  channels.chat.frame({ op: "error", code: "not-welcome", detail: "Once." });
  await later(300);
  assert.equal(sockets.length, 2);
});

test("a dead line is left after its time", async () => {
  await inRoom();
  for (let second = 0; second < 30; second += 1) await later(1000);
  assert.equal(sockets[0].sent.at(-1).op, "ping");
  assert.equal(sockets.length, 2);
});

test("a stopped connection stays stopped", async () => {
  await inRoom();
  connection.stop();
  sockets[0].say("close", { code: 1006 });
  await later(60_000);
  assert.deepEqual([connection.status, sockets.length], ["off", 1]);
});
