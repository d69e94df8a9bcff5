// A viewer against a browser and a server made of a few lines each.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { ChannelViewer } from "../../../signaling/web/viewer.js";

const server = { sessions: 0, asked: [], refuseLayer: null };
let stream = null;

globalThis.window = Object.assign(new EventTarget(), { location: { origin: "http://sluice.test" } });
globalThis.MediaStream = class {
  addTrack() {}
};
globalThis.RTCPeerConnection = class extends EventTarget {
  iceConnectionState = "connected";
  connectionState = "connected";
  addTransceiver = () => ({ receiver: { track: {} } });
  createDataChannel = () => new EventTarget();
  createOffer = async () => ({ sdp: "v=0\r\n" });
  setLocalDescription = async (description) => void (this.localDescription = description);
  setRemoteDescription = async () => {};
  getConfiguration = () => ({});
  setConfiguration = () => {};
  getSenders = () => [];
  getReceivers = () => [];
  close = () => {};
};
globalThis.EventSource = class extends EventTarget {
  static CLOSED = 2;

  constructor(url) {
    super();
    this.url = url;
    stream = this;
  }

  close() {}

  say(name, data) {
    this.dispatchEvent(Object.assign(new Event(name), { data: JSON.stringify(data) }));
  }
};
globalThis.fetch = async (url, init) => {
  const response = answer(new URL(url).pathname, init);
  return Object.defineProperty(response, "url", { value: String(url) }); // Node leaves it empty
};

function answer(path, { method, body }) {
  if (path === "/whep/lina" && method === "POST") {
    server.sessions += 1;
    const own = `/whep/lina/s${server.sessions}`;
    const link = [
      `<${own}/events>; rel="urn:ietf:params:whep:ext:core:server-sent-events"; events="active,layer"`,
      `<${own}/layer>; rel="urn:ietf:params:whep:ext:core:layer"`,
    ].join(", ");
    return new Response("v=0\r\n", { status: 201, headers: { location: own, link } });
  }
  if (path.endsWith("/layer")) {
    server.asked.push([path, JSON.parse(body)]);
    if (server.refuseLayer) return new Response(null, { status: server.refuseLayer });
  }
  if (path.endsWith("/events")) {
    return new Response(null, { status: 201, headers: { location: `${path}/e` } });
  }
  return new Response(null, { status: 200 });
}

beforeEach(() => {
  Object.assign(server, { sessions: 0, asked: [], refuseLayer: null });
});

async function playing() {
  const viewer = new ChannelViewer("lina", null);
  await viewer.follow();
  viewer.play();
  await settled();
  return viewer;
}

/** Everything that waits only for answers of the fakes has happened. */
async function settled() {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

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
