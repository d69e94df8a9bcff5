// A clip that is being made.

import assert from "node:assert/strict";
import test from "node:test";

import { ClipWork } from "../../../signaling/web/clipwork.js";
import { ProblemError } from "../../../signaling/web/problem.js";

const CLIP = { id: "c1", state: "making", progress: 0 };

/** A server that gives these answers one after the other: objects, or statuses. */
function world(t, answers) {
  const asked = [];
  const waits = [];
  t.mock.method(globalThis, "fetch", async (url, init) => {
    asked.push([init.method ?? "GET", url, init.headers.Authorization ?? null, init.body ?? null]);
    const answer = answers.shift();
    if (typeof answer !== "number") return Response.json(answer);
    return Response.json({ title: "No" }, { status: answer });
  });
  return { asked, waits, work: (token = null) => new ClipWork(token, async (ms) => waits.push(ms)) };
}

test("a clip of a recording is asked for with its ends", async (t) => {
  const { asked, work } = world(t, [CLIP]);
  assert.deepEqual(await work("tok").ofVod("a/b", { from_ms: 1, to_ms: 6000, title: "x" }), CLIP);
  assert.deepEqual(asked, [["POST", "/api/vods/a%2Fb/clips", "Bearer tok", '{"from_ms":1,"to_ms":6000,"title":"x"}']]);
});

test("a clip of what is live is asked for by its end", async (t) => {
  const { asked, work } = world(t, [CLIP]);
  await work().ofLive("pond", { seconds: 30, until_ms: 5 });
  assert.deepEqual(asked, [["POST", "/api/channels/pond/clips", null, '{"seconds":30,"until_ms":5}']]);
});

test("it is looked at each second until it is there", async (t) => {
  const { waits, work } = world(t, [{ ...CLIP, progress: 0.5 }, { ...CLIP, state: "ready" }]);
  const told = [];
  const clip = await work().follow(CLIP, ({ progress, state }) => told.push([state, progress]));
  assert.equal(clip.state, "ready");
  assert.deepEqual(told, [["making", 0.5], ["ready", 0]]);
  assert.deepEqual(waits, [1000, 1000]);
});

test("one that is there already is not asked for", async (t) => {
  const { asked, work } = world(t, []);
  assert.equal((await work().follow({ ...CLIP, state: "failed" }, () => {})).state, "failed");
  assert.deepEqual(asked, []);
});

test("a server that is away for a moment is asked again, five times in a row", async (t) => {
  const { work } = world(t, [503, 503, { ...CLIP, state: "ready" }, 503, 503, 503, 503, 503]);
  assert.equal((await work().follow(CLIP, () => {})).state, "ready");
  await assert.rejects(work().follow(CLIP, () => {}), ProblemError);
});

test("a clip that is gone is given up at once", async (t) => {
  const { asked, work } = world(t, [404]);
  await assert.rejects(work().follow(CLIP, () => {}), { status: 404 });
  assert.equal(asked.length, 1);
});

test("who goes away stops asking", async (t) => {
  const { asked, work } = world(t, [CLIP]);
  const leaving = new AbortController();
  const following = work().follow(CLIP, () => leaving.abort(), leaving.signal);
  assert.equal((await following).state, "making");
  assert.equal(asked.length, 1);
});
