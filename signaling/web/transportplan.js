// What a viewer's page learned about the transports, and which one is next. The choice itself is
// transports.js'; here is what was wished, refused and broken so far. Knows no clock.

import { chooseTransport, hasAlternative, withTrouble } from "./transports.js";

/** So many broken connections within this span, and HLS takes over. */
const MOST_BREAKS = 3;
const BREAKS_SPAN_MS = 60_000;
/** What HTTP says of a browser's offer that cannot be served. */
const OFFER_REFUSED = [406, 415, 422];
/** Why a server takes nobody, but will in a moment. */
const RESTARTS = ["stopping", "media-restarting"];

export const WEBRTC_ONLY = Object.freeze({ webrtc: true, mse: false, nativeHls: false, apple: false, hlsJs: null });

/** Times are in ms, of whatever clock the caller keeps to. */
export class TransportPlan {
  #forced;
  #browser;
  #troubles = {};
  #breaks = [];

  wish;
  /** Whether the server offers HLS for this channel; null until it was asked. */
  served = null;
  /** The moment (Unix ms) that a WebRTC viewer went back to: HLS shows it, until they go live. */
  rewoundTo = null;

  /** `wish`, `forced` and `browser` as in chooseTransport. */
  constructor({ wish = "auto", forced = false, browser = WEBRTC_ONLY } = {}) {
    this.wish = wish;
    this.#forced = forced;
    this.#browser = { ...browser };
  }

  /** What the choice is made of. */
  facts(nowMs) {
    const { wish, served } = this;
    return { wish, served, forced: this.#forced, browser: this.#browser, troubles: this.#troubles, nowMs };
  }

  /** {name, player, reason} of the transport to take now. */
  choose(nowMs) {
    const facts = this.facts(nowMs);
    if (this.rewoundTo === null) return chooseTransport(facts);
    return { ...chooseTransport({ ...facts, wish: "hls", forced: true }), reason: "" };
  }

  /** A person chose: what went wrong before is tried again. */
  wishFor(wish) {
    this.wish = wish;
    this.#forced = false;
    this.#troubles = {};
    this.#breaks = [];
    this.rewoundTo = null;
  }

  /** Whether there is anything else than `name`. */
  canLeave(name, nowMs) {
    return hasAlternative(this.facts(nowMs), name);
  }

  /** Something stands against `name`; true when another one is next. */
  trouble(name, kind, nowMs) {
    if (!this.canLeave(name, nowMs)) return false;
    const troubles = withTrouble(this.#troubles, name, kind, nowMs);
    if (chooseTransport({ ...this.facts(nowMs), troubles }).name === name) return false;
    this.#troubles = troubles;
    return true;
  }

  /** A WebRTC connection that had worked broke; true when another transport is next. */
  broke(nowMs) {
    this.#breaks = this.#breaks.filter((at) => nowMs - at < BREAKS_SPAN_MS);
    this.#breaks.push(nowMs);
    if (this.#breaks.length < MOST_BREAKS || !this.trouble("webrtc", "unstable", nowMs)) return false;
    this.#breaks = [];
    return true;
  }

  /**
   * A session could not be opened; true when another transport is next.
   *
   * @param {string} name of the transport
   * @param {object|null} problem the server's refusal, or null when this browser failed
   */
  refused(name, problem, nowMs) {
    if (name === "webrtc") {
      if (problem?.status === 503 && !RESTARTS.includes(problem.code)) return this.trouble(name, "busy", nowMs);
      return (problem === null || OFFER_REFUSED.includes(problem.status)) && this.trouble(name, "refused", nowMs);
    }
    const before = this.choose(nowMs).player;
    if (problem === null) this.#browser.hlsJs = false; // the browser's own player may still do
    else if ([404, 405].includes(problem.status) && problem.code !== "channel-unknown") this.served = false;
    else return false;
    const next = this.choose(nowMs);
    return next.name !== null && (next.name !== name || next.player !== before);
  }
}
