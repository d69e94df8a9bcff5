// What a player of HLS says, as the few figures a person wants, per second. Pure.

/** How a session's transport is called beside the figures. */
const PROTOCOLS = Object.freeze({ llhls: "LL-HLS", hls: "HLS" });

/**
 * Figures of an HLS session since `previous`, with the names of stats.js where they mean the same.
 *
 * @param {object} sample see ElementSession.sample
 * @param {object|null} previous the `snapshot` of the last call
 * @returns {{figures: object, snapshot: object}} bitrates in kbit/s, times in ms, null where unknown
 */
export function mediaFigures(sample, previous = null) {
  const { at, frames, videoBytes, audioBytes } = sample;
  const snapshot = { at, frames, videoBytes, audioBytes };
  const past = previous && previous.at <= at && previous.frames <= frames ? previous : snapshot;
  const seconds = (at - past.at) / 1000;
  const perSecond = (key) => (seconds > 0 ? Math.max(0, snapshot[key] - past[key]) / seconds : null);
  const kbps = (key) => (videoBytes === null ? null : scaled(perSecond(key), 8 / 1000));
  const figures = {
    protocol: PROTOCOLS[sample.transport] ?? "HLS",
    player: sample.player,
    width: sample.width || null,
    height: sample.height || null,
    fps: perSecond("frames"),
    framesDecoded: frames,
    framesDropped: sample.dropped,
    videoKbps: kbps("videoBytes"),
    audioKbps: kbps("audioBytes"),
    codec: codecName(sample.codec),
    audioCodec: codecName(sample.audioCodec),
    level: sample.level,
    levelKbps: scaled(sample.levelBitrate, 1 / 1000),
    bandwidthKbps: scaled(sample.bandwidth, 1 / 1000),
    liveDelayMs: sample.liveDelayMs,
    bufferMs: sample.bufferMs,
    playbackRate: sample.playbackRate,
    stalls: sample.stalls,
    stallMs: sample.stallMs,
    parts: sample.parts,
    segments: sample.segments,
  };
  return { figures, snapshot };
}

/**
 * The levels of a ladder as a person sees them, best first.
 *
 * @param {{width: number, height: number, bitrate: number}[]} levels in the player's order
 * @returns {{index: number, name: string, height: number, bitrate: number}[]} no two names alike
 */
export function namedLevels(levels) {
  const named = levels.map(({ width, height, bitrate }, index) => {
    const lines = Math.min(width || 0, height || 0);
    const name = lines > 0 ? `${lines}p` : `${Math.round(bitrate / 1000)} kbit/s`;
    return { index, name, height: height || 0, bitrate };
  });
  named.sort((a, b) => b.height - a.height || b.bitrate - a.bitrate);
  return named.map((level, i) => {
    const twin = named.some(({ name }, j) => j !== i && name === level.name);
    return twin ? { ...level, name: `${level.name}, ${(level.bitrate / 1e6).toFixed(1)} Mbit/s` } : level;
  });
}

/** Seconds of media after `time` without a hole, in ms. */
export function bufferAhead(ranges, time) {
  const here = ranges.find(({ start, end }) => start - 0.1 <= time && time <= end);
  return here ? Math.max(0, (here.end - time) * 1000) : 0;
}

const CODECS = Object.freeze({
  avc1: "H264", avc3: "H264", hvc1: "H265", hev1: "H265", mp4a: "AAC", opus: "Opus",
});

/** "H264" for "avc1.4d401f", as WebRTC's figures call it. */
function codecName(codec) {
  if (!codec) return null;
  const name = codec.split(".")[0].toLowerCase();
  return CODECS[name] ?? name.toUpperCase();
}

function scaled(value, factor) {
  return Number.isFinite(value) ? value * factor : null;
}
