import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { preferredCodecs, sendableCodecs, WhipPublisher } from "../../../signaling/web/whip.js";

const CODECS = ["VP8", "rtx", "AV1", "H264", "red", "VP9", "ulpfec", "H264"].map((name) => ({
  mimeType: `video/${name}`,
}));
const names = (codecs) => codecs.map(({ mimeType }) => mimeType.slice(6));

test("the chosen codec comes first, then ours, and repair formats stay", () => {
  const first = names(preferredCodecs(CODECS, "VP9"));
  assert.deepEqual(first, ["VP9", "H264", "H264", "VP8", "AV1", "rtx", "red", "ulpfec"]);
});

test("without a choice H.264 leads", () => {
  assert.deepEqual(names(preferredCodecs(CODECS, "")).slice(0, 5), ["H264", "H264", "VP8", "VP9", "AV1"]);
});

test("a browser without WebRTC can send nothing", () => {
  assert.deepEqual(sendableCodecs(), []);
});

/** A browser and a server that say no to several qualities, each in its own way. */
function publishing({ browserRefuses = false, status = 201 }) {
  const offered = [];
  const ended = [];
  globalThis.window = Object.assign(new EventTarget(), { location: { origin: "http://sluice.test" } });
  globalThis.RTCPeerConnection = class extends EventTarget {
    #encodings = [];
    addTransceiver = (track, { sendEncodings }) => {
      if (browserRefuses && sendEncodings.length > 1) throw new TypeError("no simulcast here");
      this.#encodings = sendEncodings;
      return {};
    };
    createDataChannel = () => new EventTarget();
    createOffer = async () => ({ sdp: "v=0\r\n" });
    setLocalDescription = async (description) => void (this.localDescription = description);
    setRemoteDescription = async () => {};
    getSenders = () => [{ track: { kind: "video" }, ...sender(this.#encodings) }];
    getReceivers = () => [];
    close = () => {};
    get qualities() {
      return this.#encodings.length;
    }
  };
  const publisher = new WhipPublisher(
    { channel: "lina", key: "k", codec: "", kbps: 2500, fps: 30, detail: false, qualities: 3 },
    { getTracks: () => [{ kind: "video" }] },
  );
  globalThis.fetch = async (url, { method }) => {
    if (method === "DELETE") ended.push(String(url));
    if (method !== "POST") return new Response(null, { status: 200 });
    offered.push(publisher.pc.qualities);
    if (publisher.pc.qualities > 1 && status !== 201) return new Response(null, { status });
    return new Response("v=0\r\n", { status: 201, headers: { location: "http://sluice.test/whip/lina/s" } });
  };
  return { publisher, offered, ended };
}

/** Everything that waits only for answers of the fakes has happened. */
async function settled() {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

function sender(encodings) {
  return { getParameters: () => ({ encodings }), setParameters: async () => {} };
}

test("the offer has a channel for the device's reports", async () => {
  const { publisher } = publishing({});
  const labels = [];
  const Peer = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Peer {
    createDataChannel = (label) => {
      assert.equal(this.localDescription, undefined, "it comes before the offer");
      labels.push(label);
      return new EventTarget();
    };
  };
  await publisher.start();
  assert.deepEqual(labels, ["device"]);
  publisher.stop();
});

test("several qualities are offered where they are wanted", async () => {
  const { publisher, offered } = publishing({});
  await publisher.start();
  assert.deepEqual(offered, [3]);
  publisher.stop();
});

test("a browser that cannot send several qualities sends one", async () => {
  const { publisher, offered } = publishing({ browserRefuses: true });
  await publisher.start();
  assert.deepEqual(offered, [1]);
  publisher.stop();
});

test("a server that refuses several qualities is offered one", async () => {
  const { publisher, offered } = publishing({ status: 422 });
  await publisher.start();
  await settled();
  assert.deepEqual(offered, [3, 1]);
  assert.equal(publisher.state, "connecting");
  publisher.stop();
});

test("a wrong key is no reason to try with fewer qualities", async () => {
  const { publisher, offered } = publishing({ status: 401 });
  await publisher.start();
  assert.deepEqual(offered, [3]);
  assert.equal(publisher.state, "failed");
  publisher.stop();
});

test("when the server has ended all sessions, another is opened, and none is ended by us", async () => {
  const { publisher, offered, ended } = publishing({});
  publisher.beginAgain(0);
  assert.equal(publisher.state, "idle");
  await publisher.start();
  publisher.state = "live";
  mock.timers.enable({ apis: ["setTimeout"] });
  publisher.beginAgain(500);
  publisher.beginAgain(500);
  assert.equal(publisher.state, "reconnecting");
  mock.timers.tick(1000);
  await settled();
  assert.deepEqual([offered, ended], [[3, 3], []]);
  publisher.stop();
  mock.timers.reset();
});
