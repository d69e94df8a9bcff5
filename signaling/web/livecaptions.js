// Captions of what is live, whatever way picture and sound come: the page follows the playlist of the
// captions by itself and draws them. They lag behind the sound by some seconds, as people or engines
// have to listen first. Where the viewer is farther behind, they are shown at their time; else when
// they come, as on television.

import { backoffMs } from "./backoff.js";
import { drawCues } from "./captionlines.js";
import { Playback } from "./playback.js";
import { ProblemError, request } from "./problem.js";
import { cuesOf } from "./webvtt.js";

/** What ended longer ago than this is not shown any more. */
const LATEST_MS = 15_000;
/** What is loaded ahead of a viewer who went back. */
const AHEAD_MS = 30_000;
/** Segments that come late, of which more are not waited for; and of those that came before us. */
const LATE_SEGMENTS = 3;
const FIRST_SEGMENTS = 1;
const KEPT_CUES = 500;
const KEPT_SHOWN = 300;
const LOOK_MS = 100;
/** A question is held for some target durations; then something else is wrong. */
const TIMEOUT_MS = 20_000;
/** Between two questions at the least, should the server hold none. */
const REST_MS = 500;

/**
 * @param {string} text the playlist of the captions; each segment has its date
 * @returns {{segments: {name: string, msn: number, fromMs: number, toMs: number}[], ended: boolean}}
 */
export function readPlaylist(text) {
  const segments = [];
  let msn = 0;
  let fromMs = null;
  let lengthMs = 0;
  for (const line of text.split(/\r?\n/)) {
    const [, tag, value] = /^#(EXT[A-Z0-9-]*):?(.*)$/.exec(line) ?? [];
    if (tag === "EXT-X-MEDIA-SEQUENCE") msn = Number(value);
    else if (tag === "EXT-X-PROGRAM-DATE-TIME") fromMs = Date.parse(value);
    else if (tag === "EXTINF") lengthMs = 1000 * parseFloat(value);
    else if (line !== "" && !line.startsWith("#")) {
      if (Number.isFinite(fromMs)) segments.push({ name: line, msn, fromMs, toMs: fromMs + lengthMs });
      msn += 1;
      fromMs = null;
    }
  }
  return { segments, ended: /^#EXT-X-ENDLIST/m.test(text) };
}

/**
 * Which segments a viewer at `positionMs` needs: those around it, and of the past only the last ones.
 *
 * @param {Set<string>} have names of those that are here
 */
export function missing(segments, have, positionMs) {
  const near = segments.filter(({ fromMs, toMs }) => toMs > positionMs - LATEST_MS && fromMs < positionMs + AHEAD_MS);
  const late = near.filter(({ toMs }) => toMs <= positionMs).slice(have.size === 0 ? -FIRST_SEGMENTS : -LATE_SEGMENTS);
  return [...late, ...near.filter(({ toMs }) => toMs > positionMs)].filter(({ name }) => !have.has(name));
}

/** Says which cue to show. Times are stream time (Unix ms), `nowMs` is any clock that runs on. */
export class CaptionQueue {
  #cues = [];
  #late = null; // the one that is shown though its time is past: {cue, untilMs}

  /** Cues arrive, while the viewer is at `positionMs`. Those that are here already mean nothing. */
  add(cues, positionMs) {
    for (const { fromMs, toMs, text } of cues) {
      if (this.#cues.some((one) => one.fromMs === fromMs && one.text === text)) continue;
      this.#cues.push({ fromMs, toMs, text, late: positionMs !== null && fromMs <= positionMs, done: false });
    }
    this.#cues.sort((a, b) => a.fromMs - b.fromMs);
    this.#cues.splice(0, this.#cues.length - KEPT_CUES);
  }

  /** The cue to show to a viewer at `positionMs`, or null. */
  at(positionMs, nowMs) {
    if (positionMs === null) return null;
    // Whoever goes back meets them again, and then they are here in time.
    for (const cue of this.#cues) if (cue.fromMs > positionMs) cue.late = false;
    const due = this.#cues.findLast((cue) => !cue.late && cue.fromMs <= positionMs && positionMs < cue.toMs);
    if (due) {
      // What is older than it would come out of order.
      for (const cue of this.#cues) if (cue.fromMs < due.fromMs) cue.done = true;
      this.#late = null;
      return due;
    }
    if (this.#late !== null && this.#late.cue.late && nowMs < this.#late.untilMs) return this.#late.cue;
    const next = this.#cues.find((cue) => cue.late && !cue.done && positionMs - cue.toMs <= LATEST_MS);
    this.#late = next ? { cue: next, untilMs: nowMs + next.toMs - next.fromMs } : null;
    if (next) next.done = true;
    return next ?? null;
  }
}

/** Follows and draws the captions of one language until it is closed, while the page is seen. */
export class LiveCaptions {
  #overlay;
  #playback;
  #language;
  #position;
  #onGone;
  #shown;
  #queue = new CaptionQueue();
  #have = new Set();
  #origin = { epoch: null, ms: 0 };
  #drawn = null;
  #timer;
  #run = null; // what ends the present round
  #ended = false;
  #onVisible = () => this.#wake();

  /**
   * @param {object} options
   * @param {HTMLElement} options.overlay
   * @param {object} options.clock the server's clock
   * @param {string|null} options.token a viewer token
   * @param {() => number|null} options.position the moment on the screen, Unix ms
   * @param {object[]} options.shown takes what was shown, see surface.js
   * @param {() => void} options.onGone there are no captions any more
   */
  constructor({ overlay, clock, channel, token, language, position, shown, onGone }) {
    this.#overlay = overlay;
    this.#playback = new Playback(channel, token, () => clock.at());
    this.#language = language;
    this.#position = position;
    this.#shown = shown;
    this.#onGone = onGone;
    this.#timer = setInterval(() => this.#draw(), LOOK_MS);
    document.addEventListener("visibilitychange", this.#onVisible);
    this.#wake();
  }

  close() {
    document.removeEventListener("visibilitychange", this.#onVisible);
    clearInterval(this.#timer);
    this.#rest();
    drawCues(this.#overlay, []);
  }

  // --- following

  #wake() {
    if (document.hidden) this.#rest();
    else if (this.#run === null && !this.#ended) this.#follow((this.#run = new AbortController()));
  }

  #rest() {
    this.#run?.abort();
    this.#run = null;
    this.#playback.rest();
  }

  async #follow(run) {
    let next = null;
    let failures = 0;
    if (!(await this.#found())) failures = 1;
    while (!run.signal.aborted && !this.#ended) {
      try {
        if (failures > 0) await rested(backoffMs(failures), run.signal);
        if (this.#playback.master === null && !(await this.#found())) throw new Error("nobody says where they are");
        const { segments, ended } = readPlaylist(await this.#load(this.#address(next), run.signal));
        await this.#take(segments, run.signal);
        if (run.signal.aborted) return;
        this.#ended = ended;
        failures = 0;
        const last = segments.at(-1)?.msn ?? null;
        next = last === null ? null : last + 1;
        await rested(REST_MS, run.signal);
      } catch (error) {
        if (run.signal.aborted) return;
        failures += 1;
        next = null; // the numbers may be those of an older broadcast
        if ([404, 410].includes(error.status)) return this.#gone();
        if ([401, 403].includes(error.status) && !(await this.#found())) return this.#gone();
      }
    }
  }

  /** Ask where they are. False when nobody says. */
  async #found() {
    return this.#playback.ask().then(() => true, () => false);
  }

  #gone() {
    this.#ended = true;
    this.#onGone();
  }

  #address(next) {
    const url = new URL(`captions-${this.#language.toLowerCase()}/index.m3u8`, this.#playback.master);
    if (next !== null) url.searchParams.set("_HLS_msn", next);
    return url;
  }

  async #take(segments, signal) {
    const listed = new Set(segments.map(({ name }) => name));
    for (const name of this.#have) if (!listed.has(name)) this.#have.delete(name);
    const positionMs = this.#position();
    if (positionMs === null) return;
    for (const { name } of missing(segments, this.#have, positionMs)) {
      const originMs = await this.#originOf(name.split("-")[0], signal);
      try {
        const text = await this.#load(new URL(name, this.#address(null)), signal);
        const cues = cuesOf(text).map((cue) => ({ ...cue, fromMs: originMs + cue.fromMs, toMs: originMs + cue.toMs }));
        this.#queue.add(cues, this.#position());
      } catch (error) {
        if (error.status !== 404) throw error; // it left the window meanwhile
      }
      this.#have.add(name);
    }
  }

  /**
   * The moment that a broadcast's cue times count from. They are media times, whose origin no
   * playlist of HLS tells; the manifest of DASH does. `epoch`: what all names of a broadcast begin with.
   */
  async #originOf(epoch, signal) {
    if (this.#origin.epoch !== epoch) {
      const manifest = await this.#load(new URL("manifest.mpd", this.#playback.master), signal);
      const ms = Date.parse(/\bavailabilityStartTime="([^"]+)"/.exec(manifest)?.[1]);
      if (!Number.isFinite(ms)) throw new Error("the manifest has no availabilityStartTime");
      this.#origin = { epoch, ms };
    }
    return this.#origin.ms;
  }

  /** The text at an address. Throws ProblemError. */
  async #load(url, signal) {
    const once = new AbortController();
    const abort = () => once.abort();
    const limit = setTimeout(abort, TIMEOUT_MS);
    signal.addEventListener("abort", abort, { once: true });
    try {
      const response = await request(url, { signal: once.signal });
      return await response.text();
    } catch (error) {
      throw error instanceof ProblemError ? error : new ProblemError({ title: "The captions were cut off" });
    } finally {
      clearTimeout(limit);
      signal.removeEventListener("abort", abort);
    }
  }

  // --- drawing

  #draw() {
    const positionMs = this.#position();
    const cue = this.#queue.at(positionMs, performance.now());
    if (cue === this.#drawn) return;
    this.#drawn = cue;
    const cues = cue === null ? [] : [new VTTCue(0, 1, cue.text)];
    for (const line of drawCues(this.#overlay, cues, this.#language)) {
      this.#shown.push({ text: line.textContent, fromMs: cue.fromMs, positionMs: Math.round(positionMs) });
    }
    if (this.#shown.length > KEPT_SHOWN) this.#shown.splice(0, this.#shown.length - KEPT_SHOWN);
  }
}

/** Resolves after `ms`, or at once when it is aborted. */
function rested(ms, signal) {
  return new Promise((go) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      go();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}
