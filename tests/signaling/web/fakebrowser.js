// A browser and a server made of a few lines each. Who imports it has them as globals, and a fresh
// server before each test.

import { beforeEach } from "node:test";

import { ChannelViewer } from "../../../signaling/web/viewer.js";

const FRESH = { sessions: 0, refuseLayer: null, refuseOffer: null, forgets: false, streams: null };
/** What it was asked, and what it is to do. */
export const server = {};
const ICE = "a=mid:0\r\na=ice-ufrag:ours\r\na=ice-pwd:secret\r\n";
const SDP = `v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n${ICE}`;
/** The newest EventSource. */
export let stream = null;

globalThis.window = Object.assign(new EventTarget(), { location: { origin: "http://sluice.test" } });
globalThis.MediaStream = class {
  addTrack() {}
};
globalThis.RTCPeerConnection = class extends EventTarget {
  iceConnectionState = "connected";
  connectionState = "connected";
  addTransceiver = () => ({ receiver: { track: {} } });
  createDataChannel = () => new EventTarget();
  createOffer = async () => ({ sdp: SDP });
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

  refuse() {
    this.readyState = EventSource.CLOSED;
    this.dispatchEvent(new Event("error"));
  }

  say(name, data) {
    this.dispatchEvent(Object.assign(new Event(name), { data: JSON.stringify(data) }));
  }
};
globalThis.fetch = async (url, init) => {
  const { pathname } = new URL(url);
  if (pathname.endsWith("/events")) await server.streams;
  const response = answer(pathname, init);
  return Object.defineProperty(response, "url", { value: String(url) }); // Node leaves it empty
};

function answer(path, { method, body }) {
  if (path === "/whep/lina" && method === "POST") {
    if (server.refuseOffer) return Response.json(server.refuseOffer, { status: server.refuseOffer.status });
    server.sessions += 1;
    const own = `/whep/lina/s${server.sessions}`;
    const link = [
      `<${own}/events>; rel="urn:ietf:params:whep:ext:core:server-sent-events"; events="active,layer"`,
      `<${own}/layer>; rel="urn:ietf:params:whep:ext:core:layer"`,
    ].join(", ");
    return new Response("v=0\r\n", { status: 201, headers: { location: own, link } });
  }
  if (method === "DELETE") server.deleted.push(path);
  if (method === "PATCH") {
    server.patched.push(path);
    return server.forgets ? Response.json({}, { status: 404 }) : new Response(ICE, { status: 200 });
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
  Object.assign(server, FRESH, { asked: [], deleted: [], patched: [] });
});

/** A viewer that plays over WebRTC. */
export async function playing() {
  const viewer = new ChannelViewer("lina", null);
  await viewer.follow();
  viewer.play();
  await settled();
  return viewer;
}

/** Everything that waits only for answers of the fakes has happened. */
export async function settled() {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
