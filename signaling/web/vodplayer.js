// Plays a recording in a video element: by hls.js, or by the browser itself where that is better.
// The element's time is VOD time.

import { loadHlsJs } from "./hlsplayer.js";
import { namedLevels } from "./mediafigures.js";
import { playsHls } from "./nativehls.js";
import { ProblemError } from "./problem.js";
import { hlsPlayer } from "./transports.js";

const FIRST_ESTIMATE = 3_000_000;
const BUFFER_S = 30;
const BACK_BUFFER_S = 60;
/** Failures in a row before it is given up. */
const MOST_RETRIES = 10;
const RETRY_MS = 2000;
const MOST_RECOVERIES = 3;
const RECOVERY_SPAN_MS = 20_000;
const REFUSED = [401, 403];

/** Fires `levels` (there is more to choose from, or another one is shown) and `problem` (`detail`). */
export class VodPlayer extends EventTarget {
  #video;
  #address;
  #kind;
  #Hls = null;
  #hls = null;
  #wish = null;
  #failures = 0;
  #trying = false;
  #closed = false;
  #recoveries = [];
  #timer = null;
  #startS = 0;

  /** @param {HTMLVideoElement} video @param {VodAddress} address whose details are known */
  constructor(video, address) {
    super();
    this.#video = video;
    this.#address = address;
    this.#kind = hlsPlayer({
      mse: "MediaSource" in window || "ManagedMediaSource" in window,
      nativeHls: playsHls(video),
      apple: /^Apple/.test(navigator.vendor),
      hlsJs: null,
    });
    video.addEventListener("error", () => this.#kind === "native" && this.#onNativeError());
  }

  /** Fetch what playing will need, while the viewer reaches for the button. */
  prepare() {
    if (this.#kind === "hls.js") loadHlsJs().catch(() => {});
  }

  /** Fill the element and begin at this place. Throws ProblemError where this browser cannot. */
  async open(startS) {
    this.#startS = startS;
    if (this.#kind === "native") return this.#openNative(startS);
    if (this.#kind === null) throw new ProblemError({ status: 415, title: "This browser cannot play recordings" });
    this.#Hls = await loadHlsJs().catch(() => {
      throw new ProblemError({ status: 501, title: "This server lacks hls.js", detail: "This browser needs it to play." });
    });
    this.#openHlsJs(startS);
  }

  get isOpen() {
    return this.#hls !== null || (this.#kind === "native" && this.#video.currentSrc !== "");
  }

  close() {
    clearTimeout(this.#timer);
    this.#closed = true;
    this.#hls?.destroy();
    this.#hls = null;
  }

  /** Best first: {name, height, bitrate}. Empty where the browser chooses by itself. */
  get levels() {
    return namedLevels(this.#ladder).map(({ name, height, bitrate }) => ({ name, height, bitrate }));
  }

  /** The name of the level on the screen, or "". */
  get shown() {
    const level = namedLevels(this.#ladder).find(({ index }) => index === this.#hls?.currentLevel);
    const lines = Math.min(this.#video.videoWidth, this.#video.videoHeight);
    return level?.name ?? (lines > 0 ? `${lines}p` : "");
  }

  /** The name of the level that was chosen, or null for automatic. */
  get chosen() {
    return this.#wish;
  }

  choose(name) {
    this.#wish = name;
    if (!this.#hls) return;
    this.#hls.nextLevel = namedLevels(this.#ladder).find((level) => level.name === name)?.index ?? -1;
    this.dispatchEvent(new Event("levels"));
  }

  /** In hls.js' order; empty where there is only sound. */
  get #ladder() {
    const levels = this.#hls?.levels ?? [];
    return levels.some(({ width }) => width > 0) ? levels : [];
  }

  // --- the browser's own player

  #openNative(startS) {
    const video = this.#video;
    video.src = this.#address.details.playlist;
    const begin = () => {
      video.currentTime = startS;
    };
    if (startS > 0) video.addEventListener("loadedmetadata", begin, { once: true });
    video.addEventListener("resize", () => this.dispatchEvent(new Event("levels")));
  }

  /** The element does not say why; a signature that ended is the likeliest. */
  #onNativeError() {
    const at = this.#video.currentTime || this.#startS;
    const going = !this.#video.paused;
    this.#again(() => {
      this.#openNative(at);
      if (going) this.#video.play().catch(() => {});
    });
  }

  // --- hls.js

  #openHlsJs(startS) {
    const { Events } = this.#Hls;
    this.#hls?.destroy();
    const hls = new this.#Hls({
      startPosition: startS,
      maxBufferLength: BUFFER_S,
      maxMaxBufferLength: 2 * BUFFER_S,
      backBufferLength: BACK_BUFFER_S,
      capLevelToPlayerSize: true,
      abrEwmaDefaultEstimate: FIRST_ESTIMATE,
      testBandwidth: false,
      enableWorker: false, // it would come from a blob, which the pages' CSP forbids
      // Captions come as whole files, and the page draws them: see vodcaptions.js.
      subtitleStreamController: undefined,
      subtitleTrackController: undefined,
      timelineController: undefined,
      xhrSetup: (xhr, url) => {
        const now = this.#address.renewed(url);
        if (now !== url) xhr.open("GET", now, true);
      },
    });
    this.#hls = hls;
    hls.on(Events.MANIFEST_PARSED, () => this.choose(this.#wish));
    hls.on(Events.LEVEL_SWITCHED, () => this.dispatchEvent(new Event("levels")));
    hls.on(Events.FRAG_LOADED, () => (this.#failures = 0));
    hls.on(Events.ERROR, (_, data) => this.#onError(data));
    hls.attachMedia(this.#video);
    hls.loadSource(this.#address.details.playlist);
  }

  #onError({ fatal, type, details, response }) {
    const { ErrorTypes, ErrorDetails } = this.#Hls;
    const code = response?.code ?? 0;
    const early = details.startsWith("manifest");
    const go = () => (early ? this.#openHlsJs(this.#startS) : this.#hls.startLoad());
    if (REFUSED.includes(code)) {
      this.#hls.stopLoad(); // what it would ask for meanwhile is refused as well
      this.#again(go, { soon: true });
    } else if (!fatal) {
      // It helps itself.
    } else if (details === ErrorDetails.MANIFEST_INCOMPATIBLE_CODECS_ERROR) {
      this.#fail(new ProblemError({ status: 415, title: "This browser cannot decode the recording" }));
    } else if (type === ErrorTypes.MEDIA_ERROR) {
      this.#recover();
    } else if (type === ErrorTypes.NETWORK_ERROR && (code === 0 || code >= 500)) {
      this.#again(go);
    } else {
      this.#fail(new ProblemError({ status: code, title: "The recording cannot be loaded" }));
    }
  }

  #recover() {
    const now = performance.now();
    this.#recoveries = this.#recoveries.filter((at) => now - at < RECOVERY_SPAN_MS);
    this.#recoveries.push(now);
    if (this.#recoveries.length > MOST_RECOVERIES) {
      return this.#fail(new ProblemError({ status: 415, title: "This browser cannot decode the recording" }));
    }
    this.#hls.recoverMediaError();
    this.#video.play().catch(() => {});
  }

  /** Ask for the address, which may have ended, then try once more; `soon`: that is why. */
  #again(act, { soon = false } = {}) {
    if (this.#trying) return;
    this.#failures += 1;
    if (this.#failures > MOST_RETRIES) {
      return this.#fail(new ProblemError({ title: "The recording cannot be loaded" }));
    }
    this.#trying = true;
    this.#timer = setTimeout(
      async () => {
        const problem = await this.#address.ask().then(() => null, (error) => error);
        this.#trying = false;
        if (this.#closed) return;
        if (problem === null) act();
        else if (problem.passing) this.#again(act);
        else this.#fail(problem);
      },
      soon && this.#failures === 1 ? 0 : RETRY_MS,
    );
  }

  #fail(problem) {
    this.close();
    this.dispatchEvent(new CustomEvent("problem", { detail: problem }));
  }
}
