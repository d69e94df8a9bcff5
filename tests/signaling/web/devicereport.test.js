import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { deviceMessage, DeviceReport, senderSignals } from "../../../signaling/web/devicereport.js";

function report({ at, bytes = 0, given = 0, made = 0, reason = "none", id = "F" }) {
  return [
    { id, type: "outbound-rtp", kind: "video", timestamp: at, rid: "f", bytesSent: bytes, frameWidth: 1280, frameHeight: 720,
      framesPerSecond: 30, framesEncoded: made, codecId: "C", qualityLimitationReason: reason, powerEfficientEncoder: true },
    { id: "Q", type: "outbound-rtp", kind: "video", timestamp: at, rid: "q", active: false, frameWidth: 1920, frameHeight: 1080 },
    { id: "S", type: "media-source", kind: "video", frames: given },
    { id: "R", type: "remote-inbound-rtp", kind: "video", fractionLost: 0.03, roundTripTime: 0.05 },
    { id: "C", type: "codec", mimeType: "video/H264" },
    { id: "P", type: "candidate-pair", nominated: true, state: "succeeded", availableOutgoingBitrate: 3_000_000.7 },
  ];
}

test("a sender's figures as the message has them", () => {
  const first = senderSignals(report({ at: 1000 }));
  const { encoder, network } = senderSignals(report({ at: 2000, bytes: 250_000, given: 30, made: 30 }), first.past);
  assert.deepEqual(encoder, {
    codec: "h264", hardware: true, width: 1280, height: 720, fps: 30, bitrate: 2_000_000, dropped: 0, reason: "none",
  });
  assert.deepEqual(network, { rtt_ms: 50, loss: 0.03, available_bps: 3_000_001 });
});

test("the first figures have no bitrate", () => {
  assert.ok(!("bitrate" in senderSignals(report({ at: 1000 })).encoder));
});

test("frames that the encoder left out are counted, those for want of bandwidth are not", () => {
  let { past } = senderSignals(report({ at: 1000, given: 100, made: 40 }));
  const dropped = (what) => {
    const told = senderSignals(report(what), past);
    past = told.past;
    return told.encoder.dropped;
  };
  assert.equal(dropped({ at: 2000, given: 130, made: 60 }), 10);
  assert.equal(dropped({ at: 3000, given: 160, made: 70, reason: "bandwidth" }), 10);
  assert.equal(dropped({ at: 4000, given: 190, made: 95, reason: "cpu" }), 15);
  assert.equal(dropped({ at: 5000, given: 220, made: 5, id: "F2" }), 15, "another encoder begins");
  assert.equal(dropped({ at: 6000, given: 3, made: 30, id: "F2" }), 15, "another source begins");
});

test("an empty report says nothing", () => {
  const { encoder, network } = senderSignals([]);
  assert.deepEqual([encoder, network], [null, null]);
});

test("what a browser does not know is left out of its message", () => {
  assert.deepEqual(deviceMessage({ encoder: null, network: null }), { v: 1, type: "device", app: "foreground" });
});

test("a message has all that a browser may know", () => {
  const message = deviceMessage({
    encoder: { codec: "vp8" },
    network: { rtt_ms: 50 },
    battery: { level: 0.4, charging: true },
    connection: { type: "bluetooth" },
    hidden: true,
  });
  assert.deepEqual(message, {
    v: 1, type: "device", battery: { level: 0.4, charging: true }, encoder: { codec: "vp8" },
    network: { kind: "other", rtt_ms: 50 }, app: "background",
  });
  assert.ok(!("network" in deviceMessage({ encoder: null, network: null, connection: { type: "unknown" } })));
});

/** A browser with a battery and a connection whose channel `device` a test plays with. */
function reporting() {
  mock.timers.enable({ apis: ["setTimeout"] });
  const channel = Object.assign(new EventTarget(), { readyState: "connecting", sent: [] });
  channel.send = (text) => channel.sent.push(JSON.parse(text));
  const battery = Object.assign(new EventTarget(), { level: 0.5, charging: false });
  globalThis.document = Object.assign(new EventTarget(), { hidden: false });
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { getBattery: async () => battery } });
  const labels = [];
  const pc = {
    createDataChannel: (label) => labels.push(label) && channel,
    getStats: async () => new Map(report({ at: 1000 }).map((stat) => [stat.id, stat])),
  };
  const advice = [];
  const reporter = new DeviceReport(pc, (told) => advice.push(told));
  const open = () => {
    channel.readyState = "open";
    channel.dispatchEvent(new Event("open"));
    return settled();
  };
  return { channel, battery, labels, reporter, advice, open };
}

async function settled() {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

function said(channel, data) {
  channel.dispatchEvent(Object.assign(new Event("message"), { data }));
}

test("it reports from when its channel opens until it closes", async () => {
  const { channel, labels, open } = reporting();
  assert.deepEqual(labels, ["device"]);
  assert.equal(channel.sent.length, 0);
  await open();
  assert.equal(channel.sent.length, 1);
  assert.deepEqual(channel.sent[0].battery, { level: 0.5, charging: false });
  mock.timers.tick(5000);
  await settled();
  assert.equal(channel.sent.length, 2);
  channel.readyState = "closed";
  channel.dispatchEvent(new Event("close"));
  mock.timers.tick(20_000);
  await settled();
  assert.equal(channel.sent.length, 2);
  mock.timers.reset();
});

test("a change is told soon, and a lot of changes once", async () => {
  const { channel, battery, reporter, open } = reporting();
  await open();
  for (const level of [0.4, 0.3, 0.2]) {
    battery.level = level;
    battery.dispatchEvent(new Event("levelchange"));
  }
  mock.timers.tick(1000);
  await settled();
  assert.deepEqual(channel.sent.map((one) => one.battery.level), [0.5, 0.2]);
  reporter.close();
  mock.timers.reset();
});

test("advice is handed on, and what cannot be read is not", async () => {
  const { channel, advice, reporter, open } = reporting();
  await open();
  said(channel, "{");
  said(channel, "null");
  said(channel, JSON.stringify({ v: 1, type: "other" }));
  said(channel, JSON.stringify({ v: 1, type: "advice", level: "warn" }));
  assert.deepEqual(advice, [{ v: 1, type: "advice", level: "warn" }]);
  reporter.close();
  mock.timers.reset();
});

test("a browser without a battery reports the rest", async () => {
  const { channel, reporter, open } = reporting();
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: {} });
  await open();
  assert.equal(channel.sent.length, 1);
  assert.ok(!("battery" in channel.sent[0]));
  reporter.close();
  mock.timers.reset();
});
