// A WHIP publisher (RFC 9725) that keeps publishing: it restarts ICE when the path breaks and
// opens a new session when one is lost. Sends several qualities where that is wanted and works.

import { backoffMs } from "./backoff.js";
import { DeviceReport } from "./devicereport.js";
import { retune, videoEncodings } from "./encodings.js";
import { ResourcePeer } from "./peer.js";
import { getJson, ProblemError } from "./problem.js";

/** Most viewers decode the first in hardware; every browser decodes the second. */
const CODEC_ORDER = ["H264", "VP8", "VP9", "AV1"];

/** A newcomer's first picture takes a moment; so long we look for it before we publish again. */
const TAKEOVER_LOOKS = 4;
const TAKEOVER_LOOK_MS = 400;
/** How servers say that they cannot work with an offer. */
const OFFER_REFUSED = [400, 406, 415, 422];

/** The video codecs this browser can send, in our order of preference. */
export function sendableCodecs() {
  const known = capabilities().map((codec) => name(codec));
  return CODEC_ORDER.filter((codec) => known.includes(codec));
}

/**
 * Put `first` and then our order in front; what belongs to no codec (RTX, RED, FEC) stays, or
 * loss could not be repaired.
 *
 * @param {{mimeType: string}[]} codecs as RTCRtpSender.getCapabilities lists them
 * @param {string} first a name like "VP8", or "" for our order alone
 */
export function preferredCodecs(codecs, first) {
  const order = first ? [first, ...CODEC_ORDER.filter((codec) => codec !== first)] : CODEC_ORDER;
  const rank = (codec) => {
    const at = order.indexOf(name(codec));
    return at < 0 ? order.length : at;
  };
  return [...codecs].sort((a, b) => rank(a) - rank(b));
}

/**
 * Fires `state` with `state` one of idle, connecting, live, reconnecting, failed; `problem` tells
 * why in the last two. Tells the server how this device fares, and fires `advice` when it answers.
 */
export class WhipPublisher extends EventTarget {
  #options;
  #stream;
  #peer = null;
  #report = null;
  #timer = null;
  #attempt = 0;
  #iceServers = [];

  state = "idle";
  problem = null;
  /** When this run went live first, on performance.now()'s clock. */
  liveSince = null;

  /**
   * @param {{channel: string, key: string, codec: string, kbps: number, fps: number,
   *   detail: boolean, qualities: number}} options `detail`: keep the resolution rather than the
   *   frame rate; `qualities`: how many to send, 1 to 3
   * @param {MediaStream} stream at most one audio and one video track
   */
  constructor(options, stream) {
    super();
    this.#options = options;
    this.#stream = stream;
  }

  get pc() {
    return this.#peer?.pc ?? null;
  }

  start() {
    this.#set("connecting");
    return this.#publish();
  }

  stop({ leaving = false } = {}) {
    clearTimeout(this.#timer);
    this.#report?.close();
    this.#peer?.close({ leaving });
    this.#peer = null;
    this.liveSince = null;
    this.#set("idle");
  }

  /** Something happened to the channel: make sure that it is still ours. */
  verify() {
    if (this.state === "live") this.#peer?.verify();
  }

  /** The server has ended all sessions, and takes new ones in a moment. */
  beginAgain(retryMs) {
    if (!this.#peer || (this.state !== "live" && this.state !== "reconnecting")) return;
    this.#peer.close({ gone: true });
    this.#peer = null;
    this.#set("reconnecting");
    this.#retry(retryMs);
  }

  /** Change the bitrate while live. */
  async setBitrate(kbps) {
    this.#options.kbps = kbps;
    const sender = this.#videoSender();
    if (sender) await this.#tune(sender);
  }

  /** Swap a source while live; the session and its viewers notice nothing but the picture. */
  async replaceTrack(track) {
    for (const old of this.#stream.getTracks().filter(({ kind }) => kind === track.kind)) {
      this.#stream.removeTrack(old);
    }
    this.#stream.addTrack(track);
    const sender = this.pc?.getSenders().find((one) => one.track?.kind === track.kind);
    await sender?.replaceTrack(track);
  }

  async #publish() {
    clearTimeout(this.#timer);
    this.#peer?.close();
    const peer = new ResourcePeer({
      endpoint: new URL(`/whip/${encodeURIComponent(this.#options.channel)}`, window.location.origin)
        .href,
      token: this.#options.key,
      knownIceServers: this.#iceServers,
      handlers: {
        onConnected: () => this.#connected(),
        onInterrupted: () => this.#set("reconnecting"),
        onLost: (gone) => this.#lost(gone),
      },
    });
    this.#peer = peer;
    try {
      this.#addTracks(peer.pc);
      this.#report?.close();
      this.#report = new DeviceReport(peer.pc, () => this.dispatchEvent(new Event("advice")));
      await peer.open();
      this.#iceServers = peer.iceServers;
      const sender = this.#videoSender();
      if (sender) await this.#tune(sender);
    } catch (error) {
      if (this.#peer === peer) this.#refused(error);
    }
  }

  #addTracks(pc) {
    const streams = [this.#stream];
    for (const track of this.#stream.getTracks()) {
      const video = track.kind === "video";
      const transceiver = video
        ? this.#addVideo(pc, track, streams)
        : pc.addTransceiver(track, { direction: "sendonly", streams, sendEncodings: [{ maxBitrate: 128_000 }] });
      if (video && "setCodecPreferences" in transceiver) {
        transceiver.setCodecPreferences(preferredCodecs(capabilities(), this.#options.codec));
      }
    }
  }

  #addVideo(pc, track, streams) {
    const add = () => {
      const sendEncodings = videoEncodings(this.#options, this.#options.qualities);
      return pc.addTransceiver(track, { direction: "sendonly", streams, sendEncodings });
    };
    try {
      return add();
    } catch (error) {
      if (this.#options.qualities === 1) throw error;
      this.#options.qualities = 1; // a browser without simulcast
      return add();
    }
  }

  async #tune(sender) {
    const parameters = sender.getParameters();
    if (!parameters.encodings?.length) return;
    retune(parameters.encodings, this.#options);
    parameters.degradationPreference = this.#options.detail
      ? "maintain-resolution"
      : "maintain-framerate";
    // Refused only by browsers that know no such preference; they stream well without it.
    await sender.setParameters(parameters).catch(() => {});
  }

  #videoSender() {
    return this.pc?.getSenders().find((sender) => sender.track?.kind === "video");
  }

  #connected() {
    this.#attempt = 0;
    this.liveSince ??= performance.now();
    this.#set("live");
  }

  async #lost(gone) {
    this.#peer = null;
    this.#set("reconnecting");
    const takenOver = await this.#takenOver(gone);
    if (this.state !== "reconnecting") return; // stopped meanwhile
    if (takenOver) {
      return this.#fail(
        new ProblemError({
          status: 409,
          title: "Another studio took over this channel",
          detail: "Somebody published with the same key.",
          advice: "Go live again to take it back.",
        }),
      );
    }
    this.#retry(0);
  }

  /** Our session ended and yet pictures flow: somebody replaced us, and we do not fight back. */
  async #takenOver(gone) {
    const channel = encodeURIComponent(this.#options.channel);
    for (let look = 0; look < (gone ? TAKEOVER_LOOKS : 1); look += 1) {
      if (look > 0) await new Promise((resolve) => setTimeout(resolve, TAKEOVER_LOOK_MS));
      try {
        const { live, stalled } = await getJson(`/api/channels/${channel}/state`);
        if (live !== true) return false;
        if (stalled === false) return true;
      } catch {
        return false;
      }
    }
    return false;
  }

  #refused(error) {
    this.#peer?.close();
    this.#peer = null;
    if (this.#options.qualities > 1 && OFFER_REFUSED.includes(error.status)) {
      this.#options.qualities = 1; // perhaps that is what it cannot take
      return this.#publish();
    }
    if (error instanceof ProblemError && error.passing) {
      this.problem = error;
      this.#set("reconnecting");
      return this.#retry(error.retryAfterMs);
    }
    return this.#fail(
      error instanceof ProblemError
        ? error
        : new ProblemError({ title: "This browser could not start the stream", detail: error.message }),
    );
  }

  #retry(floorMs) {
    this.#attempt += 1;
    this.#timer = setTimeout(() => this.#publish(), backoffMs(this.#attempt, floorMs));
  }

  #fail(problem) {
    this.problem = problem;
    this.liveSince = null;
    this.#set("failed");
  }

  #set(state) {
    if (state === "live" || state === "connecting" || state === "idle") this.problem = null;
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }
}

function capabilities() {
  return globalThis.RTCRtpSender?.getCapabilities?.("video")?.codecs ?? [];
}

function name(codec) {
  return codec.mimeType.split("/")[1].toUpperCase();
}
