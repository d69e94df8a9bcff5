import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { ChatIdentity } from "../../../signaling/web/chatidentity.js";

let asked;
let answer;
let kept;

const storage = {
  getItem: (key) => kept.get(key) ?? null,
  setItem: (key, value) => kept.set(key, value),
  removeItem: (key) => kept.delete(key),
};

globalThis.fetch = async (path, { body, headers }) => {
  asked.push([path, JSON.parse(body), headers.Authorization]);
  return answer(path, JSON.parse(body));
};

beforeEach(() => {
  asked = [];
  kept = new Map();
  answer = () => Response.json({ ticket: "t", url: "/chat/lina" }, { status: 201 });
});

test("a reader shows nothing but the pass", async () => {
  const identity = new ChatIdentity("lina", () => "viewer-token", storage);
  assert.equal((await identity.ticket()).ticket, "t");
  assert.deepEqual(asked, [["/api/channels/lina/chat/ticket", {}, "Bearer viewer-token"]]);
});

test("who took a name shows it for each ticket, in this channel only", async () => {
  answer = (path) => Response.json(path.endsWith("/guest") ? { user: "token" } : { ticket: "t", url: "/" });
  const identity = new ChatIdentity("lina", () => null, storage);
  await identity.becomeGuest("Ada");
  await identity.ticket();
  await new ChatIdentity("max", () => null, storage).ticket();
  assert.deepEqual(asked.map(([, body]) => body), [{ name: "Ada" }, { user: "token" }, {}]);
});

test("a token that ended is forgotten, and its owner reads on", async () => {
  answer = (_, { user }) => (user ? Response.json({ title: "The token ended" }, { status: 401 }) : Response.json({ ticket: "t", url: "/" }));
  const identity = new ChatIdentity("lina", () => null, storage);
  identity.use("old");
  assert.equal((await identity.ticket()).ticket, "t");
  assert.equal(identity.token, null);
});

test("where the pass itself is refused, the name is kept", async () => {
  answer = () => Response.json({ title: "No" }, { status: 403 });
  const identity = new ChatIdentity("lina", () => null, storage);
  identity.use("mine");
  await assert.rejects(identity.ticket(), { status: 403 });
  assert.equal(identity.token, "mine");
});

test("a server that is busy costs nobody their name", async () => {
  answer = () => Response.json({ title: "Busy" }, { status: 503 });
  const identity = new ChatIdentity("lina", () => null, storage);
  identity.use("mine");
  await assert.rejects(identity.ticket(), { status: 503 });
  assert.equal(asked.length, 1);
});
