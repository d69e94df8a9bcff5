import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { askIceServers } from "../../../signaling/web/peer.js";

const realFetch = globalThis.fetch;
afterEach(() => {
  globalThis.fetch = realFetch;
});

test("an endpoint is asked for its ICE servers with our token", async () => {
  const asked = [];
  globalThis.fetch = async (url, init) => {
    asked.push([url, init.method, init.headers]);
    const link = '<turn:turn.example.net>; rel="ice-server"; username="17:a"; credential="x"';
    return new Response(null, { status: 200, headers: { link } });
  };
  assert.deepEqual(await askIceServers("/whep/demo", "secret"), [
    { urls: "turn:turn.example.net", username: "17:a", credential: "x" },
  ]);
  assert.deepEqual(asked, [["/whep/demo", "OPTIONS", { Authorization: "Bearer secret" }]]);
});

test("without an answer there are no ICE servers yet", async () => {
  globalThis.fetch = async () => new Response(null, { status: 401 });
  assert.deepEqual(await askIceServers("/whep/demo", null), []);
  globalThis.fetch = async () => {
    throw new TypeError("Failed to fetch");
  };
  assert.deepEqual(await askIceServers("/whep/demo", null), []);
});
