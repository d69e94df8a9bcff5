// What getStats() says, as the few figures a person wants, per second.

/**
 * Figures of a receiving connection since `previous`.
 *
 * @param {Iterable<object>} report the values of an RTCStatsReport
 * @param {object|null} previous the `snapshot` of the last call
 * @returns {{figures: object, snapshot: object}} figures: bitrates in kbit/s, times in ms,
 *   loss in percent of what should have come; null where unknown
 */
export function inboundFigures(report, previous = null) {
  const { byId, byType } = index(report);
  const video = byType("inbound-rtp").find((stat) => stat.kind === "video");
  const audio = byType("inbound-rtp").find((stat) => stat.kind === "audio");
  const pair = activePair(byId, byType);
  const snapshot = {
    at: video?.timestamp ?? audio?.timestamp ?? pair?.timestamp ?? 0,
    videoBytes: video?.bytesReceived ?? 0,
    audioBytes: audio?.bytesReceived ?? 0,
    packets: (video?.packetsReceived ?? 0) + (audio?.packetsReceived ?? 0),
    lost: (video?.packetsLost ?? 0) + (audio?.packetsLost ?? 0),
    frames: video?.framesDecoded ?? 0,
    buffered: video?.jitterBufferDelay ?? 0,
    emitted: video?.jitterBufferEmittedCount ?? 0,
  };
  const past = previous && previous.at <= snapshot.at ? previous : snapshot;
  const seconds = (snapshot.at - past.at) / 1000;
  const delta = (key) => Math.max(0, snapshot[key] - past[key]);
  const expected = delta("packets") + delta("lost");
  const emitted = delta("emitted");
  const figures = {
    videoKbps: rate(delta("videoBytes") * 8, seconds),
    audioKbps: rate(delta("audioBytes") * 8, seconds),
    lossPercent: expected > 0 ? (100 * delta("lost")) / expected : null,
    width: video?.frameWidth ?? null,
    height: video?.frameHeight ?? null,
    fps: video?.framesPerSecond ?? perSecond(delta("frames"), seconds),
    codec: codecName(byId.get(video?.codecId)),
    audioCodec: codecName(byId.get(audio?.codecId)),
    jitterBufferMs: emitted > 0 ? (1000 * delta("buffered")) / emitted : null,
    rttMs: pair?.currentRoundTripTime === undefined ? null : pair.currentRoundTripTime * 1000,
    freezes: video?.freezeCount ?? 0,
    freezeMs: (video?.totalFreezesDuration ?? 0) * 1000,
    framesDecoded: snapshot.frames,
    framesDropped: video?.framesDropped ?? 0,
    keyFrames: video?.keyFramesDecoded ?? 0,
    packetsReceived: snapshot.packets,
    packetsLost: snapshot.lost,
    nacks: video?.nackCount ?? 0,
    plis: video?.pliCount ?? 0,
    transport: transportName(byId, pair),
    playoutNtpMs: video?.estimatedPlayoutTimestamp ?? audio?.estimatedPlayoutTimestamp ?? null,
  };
  return { figures, snapshot };
}

/**
 * The same for a sending connection. Loss is what the other side reported last. `layers` are the
 * encodings of a simulcast, best first: {rid, width, height, fps, kbps}; empty when there is one.
 */
export function outboundFigures(report, previous = null) {
  const { byId, byType } = index(report);
  const video = byType("outbound-rtp").filter((stat) => stat.kind === "video");
  const audio = byType("outbound-rtp").find((stat) => stat.kind === "audio");
  const main = largest(video);
  const remote = byType("remote-inbound-rtp").find((stat) => stat.kind === "video");
  const pair = activePair(byId, byType);
  const snapshot = {
    at: main?.timestamp ?? audio?.timestamp ?? 0,
    videoBytes: sum(video, "bytesSent"),
    layerBytes: Object.fromEntries(video.map((stat) => [stat.rid ?? "", stat.bytesSent ?? 0])),
    audioBytes: audio?.bytesSent ?? 0,
    frames: main?.framesSent ?? 0,
  };
  const past = previous && previous.at <= snapshot.at ? previous : snapshot;
  const seconds = (snapshot.at - past.at) / 1000;
  const delta = (key) => Math.max(0, snapshot[key] - past[key]);
  const rtt = remote?.roundTripTime ?? pair?.currentRoundTripTime;
  const figures = {
    videoKbps: rate(delta("videoBytes") * 8, seconds),
    audioKbps: rate(delta("audioBytes") * 8, seconds),
    fps: main?.framesPerSecond ?? perSecond(delta("frames"), seconds),
    width: main?.frameWidth ?? null,
    height: main?.frameHeight ?? null,
    codec: codecName(byId.get(main?.codecId)),
    lossPercent: remote?.fractionLost === undefined ? null : remote.fractionLost * 100,
    rttMs: rtt === undefined ? null : rtt * 1000,
    limitation: main?.qualityLimitationReason ?? null,
    layers: video.length < 2 ? [] : video.map((stat) => layerOf(stat, past.layerBytes, seconds)).sort(higher),
    availableKbps:
      pair?.availableOutgoingBitrate === undefined ? null : pair.availableOutgoingBitrate / 1000,
    keyFrames: main?.keyFramesEncoded ?? 0,
    nacks: main?.nackCount ?? 0,
    plis: main?.pliCount ?? 0,
    transport: transportName(byId, pair),
  };
  return { figures, snapshot };
}

function layerOf(stat, pastBytes, seconds) {
  const bytes = stat.bytesSent ?? 0;
  return {
    rid: stat.rid ?? "",
    width: stat.frameWidth ?? 0,
    height: stat.frameHeight ?? 0,
    fps: stat.framesPerSecond ?? 0,
    kbps: rate(Math.max(0, bytes - (pastBytes[stat.rid ?? ""] ?? bytes)) * 8, seconds),
  };
}

function higher(a, b) {
  return b.height - a.height;
}

function index(report) {
  const all = [...report];
  const byId = new Map(all.map((stat) => [stat.id, stat]));
  return { byId, byType: (type) => all.filter((stat) => stat.type === type) };
}

function activePair(byId, byType) {
  for (const transport of byType("transport")) {
    const pair = byId.get(transport.selectedCandidatePairId);
    if (pair) return pair;
  }
  return byType("candidate-pair").find((pair) => pair.nominated && pair.state === "succeeded");
}

function transportName(byId, pair) {
  const local = byId.get(pair?.localCandidateId);
  if (!local) return null;
  const relayed = local.candidateType === "relay";
  return relayed ? `relay/${local.relayProtocol ?? local.protocol}` : local.protocol;
}

function codecName(codec) {
  return codec?.mimeType?.split("/")[1] ?? null;
}

function largest(stats) {
  return stats.reduce((a, b) => ((b.frameHeight ?? 0) > (a?.frameHeight ?? -1) ? b : a), undefined);
}

function sum(stats, key) {
  return stats.reduce((total, stat) => total + (stat[key] ?? 0), 0);
}

function rate(bits, seconds) {
  return seconds > 0 ? bits / 1000 / seconds : null;
}

function perSecond(count, seconds) {
  return seconds > 0 ? count / seconds : null;
}
