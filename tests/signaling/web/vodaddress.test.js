// Where a recording's files are, and that they stay there.

import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { VodAddress } from "../../../signaling/web/vodaddress.js";

const ORIGIN = "http://sluice.test";
const server = { asked: [], answers: [] };

globalThis.location = { origin: ORIGIN };
globalThis.fetch = async (url, { headers }) => {
  server.asked.push([url, headers.Authorization ?? null]);
  const answer = server.answers.shift() ?? { status: 500 };
  return answer.status ? new Response(null, { status: answer.status }) : Response.json(answer);
};

beforeEach(() => Object.assign(server, { asked: [], answers: [] }));

const details = (mark, expires = null) => ({ folder: `/vod/~${mark}/pond-1/`, expires_ms: expires });
const settled = async () => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

test("the server is asked with the viewer's token, or without any", async () => {
  server.answers = [details("a"), details("a")];
  assert.deepEqual(await new VodAddress("pond-1", null, () => 0).ask(), details("a"));
  await new VodAddress("a/b", "t", () => 0).ask();
  assert.deepEqual(server.asked, [["/api/vods/pond-1", null], ["/api/vods/a%2Fb", "Bearer t"]]);
});

test("its other routes lie below it", () => {
  const [path, init] = new VodAddress("pond-1", "t", () => 0).api("/heat");
  assert.equal(path, "/api/vods/pond-1/heat");
  assert.deepEqual(init, { headers: { Authorization: "Bearer t" } });
});

test("a refusal is the server's own", async () => {
  server.answers = [{ status: 404 }];
  await assert.rejects(new VodAddress("pond-1", null, () => 0).ask(), { name: "ProblemError", status: 404 });
});

test("before the addresses end they are asked for again, and old ones lead to the new", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  server.answers = [details("a", 600_000), details("b", 1_200_000)];
  const address = new VodAddress("pond-1", "t", () => 0);
  let changes = 0;
  address.addEventListener("change", () => (changes += 1));
  await address.ask();
  const old = `${ORIGIN}/vod/~a/pond-1/720p/000001.mp4`;
  assert.equal(address.renewed(old), old);
  mock.timers.tick(540_000);
  await settled();
  assert.equal(changes, 2);
  assert.equal(address.renewed(old), `${ORIGIN}/vod/~b/pond-1/720p/000001.mp4`);
  assert.equal(address.renewed("/vod/~a/pond-1/sheet-001.jpg"), "/vod/~b/pond-1/sheet-001.jpg");
  assert.equal(address.renewed("/vod/other/x.mp4"), "/vod/other/x.mp4");
  address.rest();
  mock.timers.reset();
});

test("where nothing is signed nothing is asked again", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  server.answers = [{ folder: "/vod/pond-1/", expires_ms: null }];
  const address = new VodAddress("pond-1", null, () => 0);
  await address.ask();
  mock.timers.tick(1e9);
  await settled();
  assert.equal(server.asked.length, 1);
  mock.timers.reset();
});

test("two who ask at once share an answer", async () => {
  server.answers = [details("a")];
  const address = new VodAddress("pond-1", null, () => 0);
  assert.equal((await Promise.all([address.ask(), address.ask()])).length, 2);
  assert.equal(server.asked.length, 1);
});
