// What a publisher's device says of itself, in words for the studio. No number parts from its unit.

const HEAT = { nominal: "Normal", fair: "A little warm", serious: "Hot", critical: "Too hot" };
const KINDS = { wifi: "Wi-Fi", cellular: "Mobile", ethernet: "Cable", none: "None", other: "Other" };
const LIMITS = { heat: "heat", battery: "the battery", network: "the network", cpu: "the processor" };
const APP = { background: "In the background", interrupted: "Interrupted, by a call perhaps" };
const CODECS = { h264: "H.264", avc: "H.264", h265: "H.265", hevc: "H.265" };
const LEVELS = { warn: "Warning", urgent: "Urgent" };

/**
 * The rows of the panel: [what, in short, more]. What is not known has no row.
 *
 * @param {object} signals as the API gives them; anything in it may be null
 * @returns {[string, string, string][]}
 */
export function deviceRows(signals) {
  const { battery, thermal, encoder, network, app } = signals;
  return [
    ["Battery", known(battery?.level, percent), batteryMore(battery)],
    ["Heat", HEAT[thermal] ?? "", ""],
    ["Encoder", encoderShort(encoder), encoderMore(encoder)],
    ["Network", KINDS[network?.kind] ?? "", networkMore(network)],
    ["App", APP[app] ?? "", ""],
  ].filter(([, short, more]) => short || more);
}

/** The advice with its weight in a word, so that no colour has to say it; "" when all is well. */
export function adviceWords(advice) {
  const level = LEVELS[advice?.level];
  return level ? `${level}: ${advice.text}` : "";
}

/**
 * What is said aloud when the advice changes; "" for a change that needs no words.
 *
 * @param {object|null} before
 * @param {object|null} now
 */
export function adviceNews(before, now) {
  const [was, is] = [adviceWords(before), adviceWords(now)];
  if (is && is !== was) return is;
  return was && !is && now ? "The device is all right again." : "";
}

export function ageWords(ageMs) {
  return ageMs < 8000 ? "now" : `${Math.round(ageMs / 1000)} s ago`;
}

function batteryMore(battery) {
  return joined([
    battery?.charging === true && "charging",
    battery?.low_power === true && "saving power",
  ]);
}

function encoderShort(encoder) {
  const { width, height, fps, bitrate } = encoder ?? {};
  return joined([
    height ? `${Math.min(height, width || height)}p` : "",
    known(fps, (value) => `${Math.round(value)}\u00a0fps`),
    known(bitrate, mbit),
  ]);
}

function encoderMore(encoder) {
  const { codec, hardware, dropped, reason } = encoder ?? {};
  const name = codec ? (CODECS[codec.toLowerCase()] ?? codec.toUpperCase()) : "";
  const where = known(hardware, (value) => (value ? "in hardware" : "in software"));
  return joined([
    [name, where].filter(Boolean).join(" "),
    dropped > 0 && `${dropped} frames left out`,
    LIMITS[reason] && `limited by ${LIMITS[reason]}`,
  ]);
}

function networkMore(network) {
  const { signal, rtt_ms: rtt, loss, available_bps: room } = network ?? {};
  return joined([
    known(signal, (value) => `signal ${percent(value)}`),
    known(rtt, (value) => `${Math.round(value)}\u00a0ms`),
    known(loss, (value) => `${(value * 100).toFixed(1)}\u00a0% loss`),
    known(room, (value) => `room for ${mbit(value)}`),
  ]);
}

function known(value, words) {
  return value === null || value === undefined ? "" : words(value);
}

function joined(words) {
  return words.filter(Boolean).join(", ");
}

function percent(share) {
  return `${Math.round(share * 100)}\u00a0%`;
}

function mbit(bps) {
  return bps < 950_000 ? `${Math.round(bps / 1000)}\u00a0kbit/s` : `${(bps / 1e6).toFixed(1)}\u00a0Mbit/s`;
}
