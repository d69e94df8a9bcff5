// What this browser knows of its own device while it publishes, told to the server on the data
// channel `device` (docs/device-signals.md). Browsers know no heat, and few know a battery.

import { outboundFigures } from "./stats.js";

const REPORT_MS = 5000;
/** What changes at once is told at once, and never more often than this. */
const SOON_MS = 1000;
const LIMITS = { none: "none", cpu: "cpu", bandwidth: "network" };
const KINDS = { wifi: "wifi", cellular: "cellular", ethernet: "ethernet", none: "none",
  bluetooth: "other", mixed: "other", other: "other", wimax: "other" };

/**
 * Figures of the sender since `past`, as the message has them.
 *
 * @param {Iterable<object>} report the values of an RTCStatsReport
 * @param {object|null} past the `past` of the last call
 * @returns {{encoder: object|null, network: object|null, past: object}}
 */
export function senderSignals(report, past = null) {
  const all = [...report];
  const { figures, snapshot } = outboundFigures(all, past?.snapshot ?? null);
  // The largest encoding that is sent: a quality may be switched off.
  const video = all.filter((stat) => stat.type === "outbound-rtp" && stat.kind === "video" && stat.active !== false);
  const main = video.reduce((a, b) => ((b.frameHeight ?? 0) > (a?.frameHeight ?? -1) ? b : a), undefined);
  const source = all.find((stat) => stat.type === "media-source" && stat.kind === "video");
  const seen = { id: main?.id, given: source?.frames ?? 0, made: main?.framesEncoded ?? 0 };
  let dropped = past?.dropped ?? 0;
  // For want of bandwidth frames are left out on purpose: that says nothing of the device.
  if (past && past.seen.id === seen.id && main?.qualityLimitationReason !== "bandwidth") {
    dropped += Math.max(0, seen.given - past.seen.given - Math.max(0, seen.made - past.seen.made));
  }
  const encoder = known({
    codec: all.find(({ id }) => id === main?.codecId)?.mimeType?.split("/")[1].toLowerCase(),
    hardware: main?.powerEfficientEncoder,
    width: whole(main?.frameWidth),
    height: whole(main?.frameHeight),
    fps: main?.framesPerSecond,
    bitrate: whole(figures.videoKbps, 1000),
    dropped: main && source ? dropped : null,
    reason: LIMITS[main?.qualityLimitationReason],
  });
  const network = known({
    rtt_ms: figures.rttMs,
    loss: share(figures.lossPercent, 0.01),
    available_bps: whole(figures.availableKbps, 1000),
  });
  return { encoder, network, past: { snapshot, seen, dropped } };
}

/**
 * One message. What is not known is left out.
 *
 * @param {{encoder: object|null, network: object|null, battery?: object|null,
 *   connection?: {type?: string}|null, hidden?: boolean}} what battery as of the Battery Status
 *   API, connection as of the Network Information API
 */
export function deviceMessage({ encoder, network, battery = null, connection = null, hidden = false }) {
  const kind = KINDS[connection?.type];
  return known({
    v: 1,
    type: "device",
    battery: battery && known({ level: share(battery.level), charging: battery.charging }),
    encoder,
    network: kind ? { kind, ...network } : network,
    app: hidden ? "background" : "foreground",
  });
}

/** Reports on one connection, from when its channel opens until it closes. */
export class DeviceReport {
  #pc;
  #channel;
  #onAdvice;
  #past = null;
  #battery = null;
  #timer = null;
  #sentAt = -Infinity;
  #ending = new AbortController();

  /** Made before the offer, which must have the channel. `onAdvice(advice)`: the server's word. */
  constructor(pc, onAdvice) {
    this.#pc = pc;
    this.#onAdvice = onAdvice;
    this.#channel = pc.createDataChannel("device");
    const { signal } = this.#ending;
    this.#channel.addEventListener("open", () => this.#begin(), { signal });
    this.#channel.addEventListener("message", ({ data }) => this.#hear(data), { signal });
    this.#channel.addEventListener("close", () => this.close(), { signal });
  }

  close() {
    clearTimeout(this.#timer);
    this.#ending.abort();
  }

  async #begin() {
    const { signal } = this.#ending;
    const soon = () => this.#soon();
    document.addEventListener("visibilitychange", soon, { signal });
    navigator.connection?.addEventListener?.("change", soon, { signal });
    // Refused by some browsers, for privacy.
    this.#battery = (await navigator.getBattery?.().catch(() => null)) ?? null;
    if (signal.aborted) return;
    for (const name of ["levelchange", "chargingchange"]) {
      this.#battery?.addEventListener(name, soon, { signal });
    }
    this.#tell();
  }

  #soon() {
    clearTimeout(this.#timer);
    const wait = Math.max(0, this.#sentAt + SOON_MS - performance.now());
    this.#timer = setTimeout(() => this.#tell(), wait);
  }

  async #tell() {
    clearTimeout(this.#timer);
    this.#sentAt = performance.now();
    const told = senderSignals((await this.#pc.getStats()).values(), this.#past);
    if (this.#ending.signal.aborted || this.#channel.readyState !== "open") return;
    this.#past = told.past;
    const { connection } = navigator;
    const message = deviceMessage({ ...told, battery: this.#battery, connection, hidden: document.hidden });
    this.#channel.send(JSON.stringify(message));
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#tell(), REPORT_MS);
  }

  #hear(data) {
    let told;
    try {
      told = JSON.parse(data);
    } catch {
      return; // a later server's, in another format
    }
    if (told?.type === "advice") this.#onAdvice(told);
    else if (told?.type === "problem") console.warn("the server did not take a device report", told.detail);
  }
}

/** Without what is not known; null when nothing is. */
function known(values) {
  const entries = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && !Number.isNaN(value));
  return entries.length === 0 ? null : Object.fromEntries(entries);
}

function whole(value, factor = 1) {
  return Number.isFinite(value) ? Math.round(value * factor) : null;
}

function share(value, factor = 1) {
  return Number.isFinite(value) ? Math.min(1, Math.max(0, value * factor)) : null;
}
