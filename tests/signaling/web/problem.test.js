import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { adviceFor, getJson, ProblemError, request, retryAfterMs } from "../../../signaling/web/problem.js";

const realFetch = globalThis.fetch;
afterEach(() => {
  globalThis.fetch = realFetch;
});

function answerWith(status, body, headers) {
  globalThis.fetch = async () => new Response(body, { status, headers });
}

test("a problem body becomes title, detail and advice", async () => {
  const body = JSON.stringify({ title: "Not live", detail: "Nobody publishes now.", status: 409 });
  answerWith(409, body, { "content-type": "application/problem+json", "retry-after": "3" });
  const error = await request("/whep/demo").then(assert.fail, (reason) => reason);
  assert.ok(error instanceof ProblemError);
  assert.deepEqual([error.status, error.title, error.detail], [409, "Not live", "Nobody publishes now."]);
  assert.equal(error.retryAfterMs, 3000);
  assert.ok(error.advice.length > 0);
});

test("an answer that is no problem body still says something", async () => {
  answerWith(502, "<html>", { "content-type": "text/html" });
  const error = await request("/").then(assert.fail, (reason) => reason);
  assert.equal(error.title, "The server answered 502");
});

test("a body that lies about being JSON, or holds no text, is survived", async () => {
  answerWith(500, "{", { "content-type": "application/problem+json" });
  assert.equal((await request("/").catch((e) => e)).title, "The server answered 500");
  answerWith(500, '{"title": {"a": 1}}', { "content-type": "application/problem+json" });
  assert.equal((await request("/").catch((e) => e)).title, "The server answered 500");
});

test("no answer at all has status 0 and may pass", async () => {
  globalThis.fetch = async () => {
    throw new TypeError("Failed to fetch");
  };
  const error = await request("/").catch((reason) => reason);
  assert.deepEqual([error.status, error.passing], [0, true]);
});

test("JSON that cannot be read is a problem too", async () => {
  answerWith(200, "nope", {});
  await assert.rejects(getJson("/"), /no valid JSON/);
});

test("only what may pass by itself is tried again", () => {
  const passing = (status) => new ProblemError({ status, title: "" }).passing;
  assert.deepEqual([0, 429, 500, 503].map(passing), [true, true, true, true]);
  assert.deepEqual([400, 401, 403, 404, 409, 415, 422].map(passing), Array(7).fill(false));
});

test("Retry-After is read as seconds or as a date", () => {
  assert.equal(retryAfterMs("7", 0), 7000);
  assert.equal(retryAfterMs("Thu, 01 Jan 1970 00:00:10 GMT", 4000), 6000);
  assert.equal(retryAfterMs("Thu, 01 Jan 1970 00:00:10 GMT", 60_000), 0);
  assert.deepEqual([retryAfterMs(null, 0), retryAfterMs("soon", 0)], [0, 0]);
});

test("every status has advice", () => {
  for (let status = 0; status < 600; status += 1) assert.match(adviceFor(status), /\w+\.$/);
});
