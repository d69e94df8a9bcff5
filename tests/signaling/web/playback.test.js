import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { Playback, renewalDelay } from "../../../signaling/web/playback.js";

const ORIGIN = "http://sluice.test";
const server = { asked: [], answers: [] };

globalThis.location = { origin: ORIGIN };
globalThis.fetch = async (url, { method, headers }) => {
  server.asked.push([method, url, headers.Authorization ?? null]);
  const answer = server.answers.shift() ?? { status: 500 };
  return answer.status ? new Response(null, { status: answer.status }) : Response.json(answer);
};

beforeEach(() => Object.assign(server, { asked: [], answers: [] }));

const signed = (mark, expires) => ({ master: `/live/~${mark}/lina/master.m3u8`, manifest: "", expires_ms: expires });
const settled = async () => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

test("the server is asked with the viewer's token, or without any", async () => {
  server.answers = [{ master: "/live/lina/master.m3u8", expires_ms: null }, signed("a", null)];
  assert.equal(await new Playback("lina", null, () => 0).ask(), `${ORIGIN}/live/lina/master.m3u8`);
  await new Playback("lina", "t", () => 0).ask();
  const path = "/api/channels/lina/playback";
  assert.deepEqual(server.asked, [["POST", path, null], ["POST", path, "Bearer t"]]);
});

test("a refusal is the server's own", async () => {
  server.answers = [{ status: 403 }];
  await assert.rejects(new Playback("lina", null, () => 0).ask(), { name: "ProblemError", status: 403 });
});

test("before the address ends it is asked for again, and old addresses lead to the new one", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  server.answers = [signed("a", 600_000), signed("b", 1_200_000)];
  const playback = new Playback("lina", "t", () => 0);
  await playback.ask();
  const part = `${ORIGIN}/live/~a/lina/720p/x-7.0.m4s?CMCD=br`;
  assert.equal(playback.renewed(part), part);
  mock.timers.tick(540_000);
  await settled();
  assert.equal(playback.master, `${ORIGIN}/live/~b/lina/master.m3u8`);
  assert.equal(playback.renewed(part), `${ORIGIN}/live/~b/lina/720p/x-7.0.m4s?CMCD=br`);
  assert.equal(playback.renewed(`${ORIGIN}/live/~b/lina/audio/index.m3u8`), `${ORIGIN}/live/~b/lina/audio/index.m3u8`);
  playback.rest();
  mock.timers.reset();
});

test("a server that does not answer in time is asked again soon", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  server.answers = [signed("a", 600_000), { status: 503 }, signed("b", null)];
  const playback = new Playback("lina", "t", () => 0);
  await playback.ask();
  mock.timers.tick(540_000);
  await settled();
  mock.timers.tick(5000);
  await settled();
  assert.match(playback.master, /~b/);
  mock.timers.reset();
});

test("nobody asks for a player that rests", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  server.answers = [signed("a", 600_000)];
  const playback = new Playback("lina", "t", () => 0);
  await playback.ask();
  playback.rest();
  mock.timers.tick(600_000);
  await settled();
  assert.equal(server.asked.length, 1);
  mock.timers.reset();
});

test("questions at the same time are one", async () => {
  server.answers = [signed("a", null)];
  const playback = new Playback("lina", null, () => 0);
  await Promise.all([playback.ask(), playback.ask()]);
  assert.equal(server.asked.length, 1);
});

test("a minute before the end, or half of a short life", () => {
  assert.equal(renewalDelay(600_000, 0), 540_000);
  assert.equal(renewalDelay(60_000, 0), 30_000);
  assert.equal(renewalDelay(10, 5000), 1000);
  assert.equal(renewalDelay(1e15, 0), 2 ** 31 - 1);
  assert.equal(renewalDelay(null, 0), null);
});
