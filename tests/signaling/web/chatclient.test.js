// The client against a server that is the test: frames in, frames out.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { ChatClient } from "../../../signaling/web/chatclient.js";

let client;
let heard;
let sent;
let ids;

const YOU = { id: "ada", name: "Ada", roles: [], may_say: true };
const last = () => JSON.parse(sent.at(-1));
const hear = (frame, now = 0) => client.receive(JSON.stringify(frame), now);

beforeEach(() => {
  heard = [];
  sent = [];
  ids = 0;
  client = new ChatClient(({ op }) => heard.push(op), () => `k${(ids += 1)}`);
});

function connect(at = null, now = 0) {
  client.connect((text) => sent.push(text), { ticket: "t", at }, now);
}

function enter({ epoch = "e1", seq = 10, recovered = false } = {}) {
  connect();
  hear({ op: "welcome", v: 1, epoch, seq, recovered, you: YOU });
}

function batch(first, last, epoch = "e1") {
  hear({ op: "batch", epoch, first, last, items: [] });
}

test("the first frame is hello, with the ticket and the viewer's moment", () => {
  connect(1234.6);
  assert.deepEqual(last(), { op: "hello", v: 1, ticket: "t", at: 1235 });
  assert.equal(client.isIn, false);
});

test("it resumes behind the last number of the last batch", () => {
  enter();
  batch(11, 14);
  client.disconnect();
  connect();
  assert.deepEqual(last().resume, { epoch: "e1", seq: 14 });
});

test("a gap counts as heard of: it is fetched elsewhere, or given up", () => {
  enter();
  batch(11, 14);
  hear({ op: "gap", from: 15, to: 90 });
  assert.deepEqual(client.position, { epoch: "e1", seq: 90 });
});

test("a line that broke between the welcome and the first batch begins anew", () => {
  enter();
  client.disconnect();
  connect();
  assert.equal(last().resume, undefined);
});

test("a line that broke while it recovered resumes where it was", () => {
  enter();
  batch(11, 14);
  client.disconnect();
  enter({ seq: 80, recovered: true });
  client.disconnect();
  connect();
  assert.deepEqual(last().resume, { epoch: "e1", seq: 14 });
});

test("after a takeover it stands where the new epoch says", () => {
  enter();
  batch(11, 20);
  client.disconnect();
  enter({ epoch: "e2", seq: 18, recovered: true });
  hear({ op: "retract", epoch: "e1", from: 17, now_epoch: "e2" });
  assert.deepEqual(client.position, { epoch: "e2", seq: 16 });
  batch(17, 19, "e2");
  assert.deepEqual(client.position, { epoch: "e2", seq: 19 });
});

test("an ack answers what was said under its id", async () => {
  enter();
  const asked = client.ask({ op: "say", text: "hi" });
  assert.deepEqual(last(), { op: "say", text: "hi", id: "k1" });
  hear({ op: "ack", id: "k1", seq: 11, t: 5, held: false });
  assert.equal((await asked).seq, 11);
});

test("an error under its id refuses it", async () => {
  enter();
  const asked = client.ask({ op: "say", text: "hi" });
  hear({ op: "error", id: "k1", code: "slow", detail: "Wait.", retry_ms: 900 });
  await assert.rejects(asked, { code: "slow", retryMs: 900 });
  assert.deepEqual(heard, ["welcome"]);
});

test("an error that names nothing is heard", () => {
  enter();
  hear({ op: "error", code: "malformed", detail: "" });
  assert.deepEqual(heard, ["welcome", "error"]);
});

test("what was said while there was no line, or was not answered, is said again under the same id", async () => {
  const early = client.ask({ op: "say", text: "early" });
  assert.equal(sent.length, 0);
  enter();
  const open = client.ask({ op: "say", text: "open" });
  client.disconnect();
  enter();
  assert.deepEqual(sent.slice(-2).map((text) => JSON.parse(text).id), ["k1", "k2"]);
  hear({ op: "ack", id: "k2", seq: 2, t: 0 });
  hear({ op: "ack", id: "k1", seq: 1, t: 0 });
  assert.deepEqual([(await early).seq, (await open).seq], [1, 2]);
});

test("a question is lost with its line", async () => {
  enter();
  const asked = client.fetch({ after: 3 });
  client.disconnect();
  await assert.rejects(asked, { code: "lost" });
  await assert.rejects(client.fetch({ after: 3 }), { code: "lost" });
});

test("a client that gives up refuses everything that waits", async () => {
  enter();
  const asked = client.ask({ op: "say", text: "hi" });
  client.giveUp();
  await assert.rejects(asked, { code: "lost" });
});

test("a page answers its question, with its size", async () => {
  enter();
  const asked = client.fetch({ after: 3 });
  hear({ op: "page", id: "k1", items: [], more: false, last: 0 });
  assert.ok((await asked).bytes > 0);
});

test("hearts are worth nothing later", () => {
  assert.equal(client.tell({ op: "react", emote: "heart", n: 1 }), false);
  enter();
  assert.equal(client.tell({ op: "react", emote: "heart", n: 1 }), true);
});

test("what cannot be read makes the line worthless", () => {
  enter();
  for (const text of ["", "{", "null", "7", "[]", '{"op":1}']) assert.equal(client.receive(text, 0), false, text);
});

test("a frame of a later version is handed on and does no harm", () => {
  enter();
  assert.equal(hear({ op: "confetti" }), true);
  assert.deepEqual(heard, ["welcome", "confetti"]);
});

test("a server that does not greet is given up after five seconds", () => {
  connect();
  assert.deepEqual([client.tick(4999), client.tick(5000)], [true, false]);
});

test("where somebody is greeted already, another line is needed", () => {
  connect();
  assert.equal(hear({ op: "error", code: "not-welcome", detail: "" }), false);
});

test("silence is asked about once, and a silent server is dead", () => {
  enter();
  assert.equal(client.tick(19_999), true);
  assert.equal(sent.length, 1);
  assert.equal(client.tick(20_000), true);
  assert.equal(client.tick(21_000), true);
  assert.deepEqual(last(), { op: "ping", id: "k1" });
  assert.equal(sent.length, 2);
  assert.equal(client.tick(28_000), false);
});

test("an answer keeps it alive", () => {
  enter();
  client.tick(20_000);
  hear({ op: "pong", id: "k1", now: 5 }, 20_100);
  assert.equal(client.tick(28_000), true);
  assert.deepEqual(heard, ["welcome"]);
});
