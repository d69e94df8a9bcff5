// An HLS session played by hls.js through Media Source Extensions.

import { backoffMs } from "./backoff.js";
import { anchorsOf, isSent, timeAt } from "./dvr.js";
import { ElementSession } from "./elementsession.js";
import { SOUND_ONLY } from "./layers.js";
import { namedLevels } from "./mediafigures.js";
import { ProblemError } from "./problem.js";

const MODULE = "/static/lib/hls.mjs";
/** How much faster live is caught up with. Nobody hears 5 %. */
const CATCH_UP_RATE = 1.05;
/** How much farther from live each stall leads, and how much all of them. */
const AWAY_STEP_S = 0.5;
const AWAY_MOST_S = 2;
const BACK_BUFFER_S = 30;
/** What to believe of the connection before anything was loaded, in bit/s. */
const FIRST_ESTIMATE = 3_000_000;
/** Failures in a row, or decoder faults within this span, before a new session is begun. */
const MOST_RETRIES = 5;
const MOST_RECOVERIES = 3;
const RECOVERY_SPAN_MS = 20_000;

let loading = null;

/** hls.js, fetched once and only when it is needed. Throws Error where the server lacks it. */
export function loadHlsJs() {
  loading ??= import(MODULE).then((module) => module.default);
  loading.catch(() => (loading = null));
  return loading;
}

export class HlsSession extends ElementSession {
  #playback;
  #channel;
  #Hls = null;
  #hls = null;
  #startAtMs;
  #wish;
  #master = null;
  #soundUrl = null;
  /** The levels with pictures, in hls.js' order. They stay known while only sound plays. */
  #ladder = [];
  #anchors = { details: null, list: [] };
  #attached = false;
  #bytes = { main: 0, audio: 0 };
  #loaded = { parts: 0, segments: 0 };
  #hadPlaylist = false;
  #nearest = null;
  #failures = 0;
  #recoveries = [];
  #timer = null;

  /** `playback` as in playback.js; `level` is the name of the level that was chosen, or null. */
  constructor({ playback, channel, level = null, ...options }) {
    super(options);
    this.#playback = playback;
    this.#channel = channel;
    this.#startAtMs = options.startAtMs ?? null;
    this.#wish = level;
  }

  /**
   * Resolves once the ladder is known. Throws ProblemError when there is nothing to play, Error
   * when hls.js is not there.
   */
  async open() {
    this.postedAt = performance.now();
    const [Hls, master] = await Promise.all([loadHlsJs(), this.#playback.ask()]);
    if (this.over) return;
    this.#Hls = Hls;
    this.#master = master;
    await this.#start(master);
    if (this.over) return;
    this.begin();
    if (this.#wish !== null) await this.choose(this.#wish);
  }

  get attached() {
    return this.#attached;
  }

  // --- levels

  /** Best first: {name, height, bitrate}. */
  get levels() {
    return namedLevels(this.#ladder).map(({ name, height, bitrate }) => ({ name, height, bitrate }));
  }

  get canSoundOnly() {
    return this.#soundUrl !== null;
  }

  get soundOnly() {
    return this.#wish === SOUND_ONLY && this.canSoundOnly;
  }

  /** The name of the level that was chosen, SOUND_ONLY, or null for automatic. */
  get chosen() {
    return this.#wish;
  }

  /** The name of the level on the screen, or "". */
  get shown() {
    if (this.soundOnly) return "";
    const index = this.#hls?.currentLevel ?? -1;
    return namedLevels(this.#ladder).find((level) => level.index === index)?.name ?? "";
  }

  async choose(wish) {
    const was = this.soundOnly;
    this.#wish = wish;
    if (this.soundOnly !== was) {
      this.#startAtMs = this.live ? null : this.playingMs;
      this.swap();
      await this.#start(this.soundOnly ? this.#soundUrl : this.#master).catch((error) => this.handlers.onLost(error));
    }
    if (this.#hls && !this.soundOnly) this.#hls.nextLevel = this.#indexOf(wish);
  }

  // --- time

  get anchors() {
    const details = this.#hls?.latestLevelDetails ?? null;
    if (details !== this.#anchors.details) this.#anchors = { details, list: anchorsOf(details?.fragments ?? []) };
    return this.#anchors.list;
  }

  get startTime() {
    return this.#hls?.latestLevelDetails?.fragmentStart ?? null;
  }

  get liveTime() {
    const details = this.#hls?.latestLevelDetails;
    if (!details) return null;
    return details.live ? this.#hls.liveSyncPosition : details.edge;
  }

  get finished() {
    return this.#hls?.latestLevelDetails?.live === false;
  }

  sent(time) {
    return isSent(this.#hls?.latestLevelDetails, time);
  }

  /** The connection was too slow for this distance from live: keep a larger one. */
  keepAway() {
    const target = this.#hls?.targetLatency;
    if (!target || this.transport !== "llhls") return;
    this.#nearest ??= target;
    this.#hls.targetLatency = Math.min(target + AWAY_STEP_S, this.#nearest + AWAY_MOST_S);
  }

  followed(following) {
    if (this.#hls) this.#hls.config.maxLiveSyncPlaybackRate = following ? CATCH_UP_RATE : 1;
    if (!following) this.video.playbackRate = 1;
  }

  get source() {
    const level = this.#hls?.levels[this.#hls.currentLevel];
    return {
      player: "hls.js",
      videoBytes: this.#bytes.main,
      audioBytes: this.#bytes.audio,
      ...this.#loaded,
      level: this.soundOnly ? "Sound only" : this.shown,
      levelBitrate: level?.bitrate ?? null,
      codec: level?.videoCodec ?? null,
      audioCodec: level?.audioCodec ?? null,
      bandwidth: this.#hls?.bandwidthEstimate ?? null,
    };
  }

  detach() {
    clearTimeout(this.#timer);
    this.#attached = false;
    this.#hls?.destroy();
    this.#hls = null;
    this.#playback.rest();
    super.detach();
  }

  // --- hls.js

  #indexOf(name) {
    return namedLevels(this.#ladder).find((level) => level.name === name)?.index ?? -1;
  }

  #start(url) {
    const { Events } = this.#Hls;
    this.#hls?.destroy();
    const hls = new this.#Hls(this.#config());
    this.#hls = hls;
    this.#attached = true;
    let resolve;
    let reject;
    const ready = new Promise((...settle) => ([resolve, reject] = settle));
    hls.on(Events.MANIFEST_PARSED, (_, { audioTracks, levels }) => {
      if (url === this.#master) this.#ladder = levels.some(({ width }) => width) ? levels : [];
      this.#soundUrl ??= audioTracks.find((track) => track.url)?.url ?? null;
      this.handlers.onLevels();
      this.handlers.onReady();
      resolve();
    });
    hls.on(Events.LEVEL_UPDATED, (_, { details }) => this.#onPlaylist(details));
    hls.on(Events.FRAG_LOADED, (_, data) => this.#onLoaded(data));
    hls.on(Events.LEVEL_SWITCHED, () => this.handlers.onLevels());
    hls.on(Events.ERROR, (_, data) => this.#onError(data, reject));
    hls.attachMedia(this.video);
    hls.loadSource(url);
    return ready;
  }

  #config() {
    const low = this.transport === "llhls";
    return {
      lowLatencyMode: low,
      // Without a number of our own hls.js keeps PART-HOLD-BACK from the edge. It would go farther
      // away at each stall, even those that the publisher made; keepAway does that instead.
      liveSyncOnStallIncrease: 0,
      ...(low ? { maxLiveSyncPlaybackRate: this.live ? CATCH_UP_RATE : 1 } : { liveSyncDurationCount: 3 }),
      backBufferLength: BACK_BUFFER_S,
      maxBufferLength: 30,
      maxMaxBufferLength: 60,
      liveDurationInfinity: true,
      capLevelToPlayerSize: true,
      abrEwmaDefaultEstimate: FIRST_ESTIMATE,
      testBandwidth: false,
      // Captions are drawn by the page (livecaptions.js). Those of hls.js would hang a track with a
      // `data:` address into the element, which the pages' CSP forbids, and be loaded twice.
      enableWebVTT: false,
      subtitleTrackController: undefined,
      subtitleStreamController: undefined,
      timelineController: undefined,
      enableWorker: false, // it would come from a blob, which the pages' CSP forbids
      cmcd: { sessionId: sessionId(), contentId: this.#channel, useHeaders: false },
      xhrSetup: (xhr, url) => {
        const now = this.#playback.renewed(url);
        if (now !== url) xhr.open("GET", now, true);
      },
    };
  }

  #onPlaylist(details) {
    const first = !this.#hadPlaylist;
    this.#hadPlaylist = true;
    if (first && !details.live) return this.handlers.onLost(notYet()); // a broadcast of before
    if (this.#startAtMs === null) return;
    // hls.js begins at live; a viewer who went back begins elsewhere, known once a playlist is.
    const time = timeAt(anchorsOf(details.fragments), this.#startAtMs);
    this.#startAtMs = null;
    if (time !== null) this.#hls.startLoad(Math.max(time, details.fragmentStart));
  }

  #onLoaded({ frag, part, payload }) {
    this.#failures = 0;
    if (frag.sn === "initSegment") return;
    const kind = this.soundOnly || frag.type === "audio" ? "audio" : "main";
    this.#bytes[kind] += payload.byteLength;
    this.#loaded[part ? "parts" : "segments"] += 1;
  }

  #onError({ fatal, type, details, response }, reject) {
    if (!fatal || this.over) return;
    const { ErrorTypes, ErrorDetails } = this.#Hls;
    const code = response?.code ?? 0;
    if (details === ErrorDetails.MANIFEST_INCOMPATIBLE_CODECS_ERROR) {
      reject(new ProblemError({ status: 415, title: "This browser cannot decode the stream" }));
    } else if (details.startsWith("manifest")) {
      reject(manifestProblem(code));
    } else if (type === ErrorTypes.MEDIA_ERROR) {
      this.#recover();
    } else if (type === ErrorTypes.NETWORK_ERROR && ![401, 403, 404, 410].includes(code)) {
      this.#retry();
    } else {
      this.handlers.onLost(null);
    }
  }

  #recover() {
    const now = performance.now();
    this.#recoveries = this.#recoveries.filter((at) => now - at < RECOVERY_SPAN_MS);
    this.#recoveries.push(now);
    if (this.#recoveries.length > MOST_RECOVERIES) return this.handlers.onLost(null);
    this.#hls.recoverMediaError();
    this.video.play().catch(() => {});
  }

  #retry() {
    this.#failures += 1;
    if (this.#failures > MOST_RETRIES) return this.handlers.onLost(null);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#hls?.startLoad(), backoffMs(this.#failures));
  }
}

function manifestProblem(status) {
  return status === 404 ? notYet() : new ProblemError({ status, title: "The stream cannot be loaded" });
}

/** The first seconds of a broadcast are still being packed. */
function notYet() {
  return new ProblemError({
    status: 425,
    title: "The stream is being prepared",
    advice: "It starts in a moment.",
  });
}

/** randomUUID is kept from pages without TLS, such as those of a home network. */
function sessionId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
