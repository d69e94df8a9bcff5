import assert from "node:assert/strict";
import test from "node:test";

import { inboundFigures, outboundFigures } from "../../../signaling/web/stats.js";

function inbound({ at, bytes, packets, lost, frames, buffered, emitted }) {
  return [
    { id: "V", type: "inbound-rtp", kind: "video", timestamp: at, bytesReceived: bytes, packetsReceived: packets,
      packetsLost: lost, framesDecoded: frames, frameWidth: 1280, frameHeight: 720, framesPerSecond: 30,
      jitterBufferDelay: buffered, jitterBufferEmittedCount: emitted, codecId: "C", freezeCount: 1, totalFreezesDuration: 0.4 },
    { id: "A", type: "inbound-rtp", kind: "audio", timestamp: at, bytesReceived: 1000, packetsReceived: 0, packetsLost: 0 },
    { id: "C", type: "codec", mimeType: "video/H264" },
    { id: "T", type: "transport", selectedCandidatePairId: "P2" },
    { id: "P1", type: "candidate-pair", nominated: true, state: "succeeded", currentRoundTripTime: 9 },
    { id: "P2", type: "candidate-pair", nominated: true, state: "succeeded", currentRoundTripTime: 0.012, localCandidateId: "L" },
    { id: "L", type: "local-candidate", candidateType: "host", protocol: "udp" },
  ];
}

const FIRST = { at: 1000, bytes: 10_000, packets: 100, lost: 0, frames: 10, buffered: 1, emitted: 10 };
const SECOND = { at: 3000, bytes: 510_000, packets: 490, lost: 10, frames: 70, buffered: 2.2, emitted: 70 };

test("rates are taken over the time between two reports", () => {
  const { snapshot } = inboundFigures(inbound(FIRST));
  const { figures } = inboundFigures(inbound(SECOND), snapshot);
  assert.equal(figures.videoKbps, 2000);
  assert.equal(figures.lossPercent, 2.5);
  assert.ok(Math.abs(figures.jitterBufferMs - 20) < 1e-9);
  assert.deepEqual([figures.width, figures.height, figures.codec], [1280, 720, "H264"]);
  assert.equal(figures.freezeMs, 400);
});

test("the round trip comes from the pair in use, not from any that once worked", () => {
  const { figures } = inboundFigures(inbound(FIRST));
  assert.equal(figures.rttMs, 12);
  assert.equal(figures.transport, "udp");
});

test("the first report has no rates", () => {
  const { figures } = inboundFigures(inbound(FIRST));
  assert.deepEqual([figures.videoKbps, figures.lossPercent, figures.jitterBufferMs], [null, null, null]);
});

test("counters that fall back (a new session) give no negative figures", () => {
  const { snapshot } = inboundFigures(inbound(SECOND));
  const { figures } = inboundFigures(inbound({ ...FIRST, at: 4000 }), snapshot);
  assert.equal(figures.videoKbps, 0);
  assert.equal(figures.lossPercent, null);
});

test("an empty report gives figures, all unknown or zero", () => {
  const { figures } = inboundFigures([]);
  assert.equal(figures.rttMs, null);
  assert.equal(figures.framesDecoded, 0);
});

function outbound(at, bytes) {
  return [
    { id: "V", type: "outbound-rtp", kind: "video", timestamp: at, bytesSent: bytes, frameWidth: 960, frameHeight: 540,
      framesPerSecond: 30, codecId: "C", qualityLimitationReason: "bandwidth" },
    { id: "R", type: "remote-inbound-rtp", kind: "video", fractionLost: 0.03, roundTripTime: 0.05 },
    { id: "C", type: "codec", mimeType: "video/VP8" },
  ];
}

test("every quality of a sender has its own figures, the best one first", () => {
  const report = (at, full) => [
    { id: "Q", type: "outbound-rtp", kind: "video", timestamp: at, rid: "q", bytesSent: full / 10, frameWidth: 320, frameHeight: 180 },
    { id: "F", type: "outbound-rtp", kind: "video", timestamp: at, rid: "f", bytesSent: full, frameWidth: 1280, frameHeight: 720, framesPerSecond: 30 },
  ];
  const { snapshot } = outboundFigures(report(1000, 0));
  const { figures } = outboundFigures(report(2000, 250_000), snapshot);
  assert.deepEqual(figures.layers, [
    { rid: "f", width: 1280, height: 720, fps: 30, kbps: 2000 },
    { rid: "q", width: 320, height: 180, fps: 0, kbps: 200 },
  ]);
  assert.equal(figures.videoKbps, 2200);
  assert.deepEqual(outboundFigures(outbound(1000, 0)).figures.layers, []);
});

test("the sender's figures name bitrate, loss, delay and what limits the quality", () => {
  const { snapshot } = outboundFigures(outbound(1000, 0));
  const { figures } = outboundFigures(outbound(2000, 125_000), snapshot);
  assert.equal(figures.videoKbps, 1000);
  assert.equal(figures.lossPercent, 3);
  assert.equal(figures.rttMs, 50);
  assert.deepEqual([figures.codec, figures.height, figures.limitation], ["VP8", 540, "bandwidth"]);
});
