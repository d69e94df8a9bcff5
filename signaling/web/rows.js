// The rows of the statistics panel: figures in, names and values out. Pure.

/** Of a WebRTC session: `figures` as in stats.js. */
export function webrtcRows(figures, { firstFrameMs, reason }) {
  return [
    ["Picture", pictureSize(figures)],
    ["Frames", `${whole(figures.fps)} fps`],
    ["Video", `${bitrate(figures.videoKbps)} ${figures.codec ?? ""}`],
    ["Sound", `${bitrate(figures.audioKbps)} ${figures.audioCodec ?? ""}`],
    ["Loss", figures.lossPercent === null ? "–" : `${figures.lossPercent.toFixed(1)} %`],
    ["Round trip", `${whole(figures.rttMs)} ms`],
    ["Jitter buffer", `${whole(figures.jitterBufferMs)} ms`],
    ["Freezes", `${figures.freezes} (${seconds(figures.freezeMs, 1)})`],
    ["First picture", `${whole(firstFrameMs)} ms`],
    ["Path", `WebRTC ${(figures.transport ?? "").toUpperCase()}`.trim()],
    ...why(reason),
  ];
}

/** Of an HLS session: `figures` as in mediafigures.js. */
export function hlsRows(figures, { firstFrameMs, reason }) {
  return [
    ["Picture", pictureSize(figures)],
    ["Frames", `${whole(figures.fps)} fps, ${figures.framesDropped} dropped`],
    ["Video", `${bitrate(figures.videoKbps)} ${figures.codec ?? ""}`],
    ["Sound", `${bitrate(figures.audioKbps)} ${figures.audioCodec ?? ""}`],
    ["Quality", levelText(figures)],
    ["Behind live", figures.liveDelayMs === null ? "–" : seconds(figures.liveDelayMs, 2)],
    ["Buffer", seconds(figures.bufferMs, 2)],
    ["Speed", `${figures.playbackRate.toFixed(2)} ×`],
    ["Stalls", `${figures.stalls} (${seconds(figures.stallMs, 1)})`],
    ["Connection", bitrate(figures.bandwidthKbps)],
    ["Loaded", `${figures.parts} parts, ${figures.segments} segments`],
    ["First picture", `${whole(firstFrameMs)} ms`],
    ["Path", figures.player === null ? figures.protocol : `${figures.protocol}, ${figures.player}`],
    ...why(reason),
  ];
}

function why(reason) {
  return reason ? [["Because", reason]] : [];
}

function pictureSize({ width, height }) {
  return width ? `${width} × ${height}` : "–";
}

function levelText({ level, levelKbps }) {
  if (!level) return "–";
  return Number.isFinite(levelKbps) ? `${level}, ${bitrate(levelKbps)}` : level;
}

function whole(value) {
  return Number.isFinite(value) ? String(Math.round(value)) : "–";
}

function seconds(ms, digits) {
  return Number.isFinite(ms) ? `${(ms / 1000).toFixed(digits)} s` : "–";
}

function bitrate(kbps) {
  if (!Number.isFinite(kbps)) return "–";
  return kbps >= 1000 ? `${(kbps / 1000).toFixed(1)} Mbit/s` : `${Math.round(kbps)} kbit/s`;
}
