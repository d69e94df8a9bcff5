// An HLS session played by the browser itself, as Apple's browsers do. They take the low delay
// wherever the playlist offers it.

import { ElementSession } from "./elementsession.js";
import { SOUND_ONLY } from "./layers.js";
import { ProblemError } from "./problem.js";

const MEDIA_TYPE = "application/vnd.apple.mpegurl";
/** Players keep away from the very end; a seek to it would only wait. */
const LIVE_MARGIN_S = Object.freeze({ llhls: 1, hls: 6 });
const OPEN_LIMIT_MS = 10_000;

/** Whether the element plays HLS by itself. */
export function playsHls(video) {
  return Boolean(video.canPlayType?.(MEDIA_TYPE));
}

export class NativeHlsSession extends ElementSession {
  #playback;
  #startAtMs;
  #soundOnly;
  #master = null;
  #attached = false;

  constructor({ playback, level = null, ...options }) {
    super(options);
    this.#playback = playback;
    this.#startAtMs = options.startAtMs ?? null;
    this.#soundOnly = level === SOUND_ONLY;
  }

  /** Resolves once the element knows the stream. Throws ProblemError when it cannot be loaded. */
  async open() {
    this.postedAt = performance.now();
    this.#master = await this.#playback.ask();
    if (this.over) return;
    await this.#load();
    if (this.over) return;
    this.begin();
    this.video.addEventListener("error", () => !this.over && this.handlers.onLost(null), { once: true });
    if (this.#startAtMs !== null) this.seek(this.#startAtMs);
  }

  get attached() {
    return this.#attached;
  }

  /** The browser chooses by itself and tells nobody. */
  get levels() {
    return [];
  }

  get canSoundOnly() {
    return true;
  }

  get soundOnly() {
    return this.#soundOnly;
  }

  get chosen() {
    return this.#soundOnly ? SOUND_ONLY : null;
  }

  get shown() {
    const lines = Math.min(this.video.videoWidth, this.video.videoHeight);
    return lines > 0 ? `${lines}p` : "";
  }

  async choose(wish) {
    if ((wish === SOUND_ONLY) === this.#soundOnly) return;
    this.#soundOnly = wish === SOUND_ONLY;
    this.swap();
    await this.#load().catch((error) => this.handlers.onLost(error));
    this.handlers.onLevels();
  }

  get anchors() {
    const start = this.video.getStartDate?.().getTime();
    return Number.isFinite(start) ? [{ time: 0, date: start }] : [];
  }

  get startTime() {
    const { seekable } = this.video;
    return seekable.length > 0 ? seekable.start(0) : null;
  }

  get liveTime() {
    const { seekable } = this.video;
    if (seekable.length === 0) return null;
    return Math.max(seekable.start(0), seekable.end(seekable.length - 1) - LIVE_MARGIN_S[this.transport]);
  }

  get source() {
    return {
      player: "the browser's own player",
      videoBytes: null,
      audioBytes: null,
      parts: 0,
      segments: 0,
      level: this.#soundOnly ? "Sound only" : this.shown,
      levelBitrate: null,
      codec: null,
      audioCodec: null,
      bandwidth: null,
    };
  }

  detach() {
    this.#attached = false;
    this.#playback.rest();
    super.detach();
  }

  #load() {
    const { video } = this;
    this.#attached = true;
    video.src = this.#soundOnly ? new URL("audio/index.m3u8", this.#master).href : this.#master;
    this.handlers.onReady();
    return new Promise((resolve, reject) => {
      const ends = new AbortController();
      const fail = () => {
        ends.abort();
        // The element does not say why. Most often the first seconds are still being packed.
        const title = "The stream cannot be loaded yet";
        reject(new ProblemError({ status: 425, title, advice: "It is tried again." }));
      };
      const timer = setTimeout(fail, OPEN_LIMIT_MS);
      ends.signal.addEventListener("abort", () => clearTimeout(timer));
      video.addEventListener("error", fail, { signal: ends.signal });
      video.addEventListener("loadedmetadata", () => (ends.abort(), resolve()), { signal: ends.signal });
    });
  }
}
