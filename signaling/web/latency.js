// Glass-to-glass latency, best source first:
//
//   stamp     the capture time painted into the picture (stamp.js) against the moment the frame
//             is shown. Measures everything, encoder to screen.
//   rtcp      the playout time that the browser derives from the server's sender reports.
//   pdt       the time that the playlist gives to what is on the screen: from the server to here.
//   estimate  half a round trip plus the jitter buffer: only the way from the server to here.

import { COLUMNS, readStamp, ROWS, unwrapTime } from "./stamp.js";

const CELL = 8; // pixels of the read-back canvas per cell
const KEPT_FRAMES = 600;
/** A picture without a stamp is looked at again only every so many frames. */
const IDLE_STRIDE = 30;
const NTP_TO_UNIX_MS = 2_208_988_800_000;
/** A stamp this old no longer describes what is on the screen. */
const STAMP_FRESH_MS = 2000;
const PLAUSIBLE_MS = 60_000;

export class LatencyMeter {
  #video;
  #clock;
  #onFrame;
  #canvas;
  #context;
  #recent = [];
  #misses = 0;
  #presented = 0;
  #lastStampAt = -Infinity;
  #running = false;

  /** The last stamped frames: {counter, captureMs, shownMs, rtpTimestamp, latencyMs}. */
  frames = [];
  latencyMs = null;
  source = null;

  /** `onFrame(now)` runs for every presented frame, stamped or not. */
  constructor(video, clock, onFrame) {
    this.#video = video;
    this.#clock = clock;
    this.#onFrame = onFrame;
    this.#canvas = document.createElement("canvas");
    this.#canvas.width = COLUMNS * CELL;
    this.#canvas.height = ROWS * CELL;
    this.#context = this.#canvas.getContext("2d", { willReadFrequently: true, alpha: false });
  }

  start() {
    if (this.#running || !("requestVideoFrameCallback" in this.#video)) return;
    this.#running = true;
    this.#next();
  }

  /** Take the figures of stats.js or mediafigures.js where there is no stamp to read. */
  takeFigures(figures) {
    if (performance.now() - this.#lastStampAt < STAMP_FRESH_MS) return;
    if (Number.isFinite(figures.liveDelayMs)) return this.#set(figures.liveDelayMs, "pdt");
    const { playoutNtpMs, jitterBufferMs, rttMs } = figures;
    if (playoutNtpMs) {
      const latency = this.#clock.at() - (playoutNtpMs - NTP_TO_UNIX_MS);
      if (latency > 0 && latency < PLAUSIBLE_MS) return this.#set(latency, "rtcp");
    }
    if (Number.isFinite(jitterBufferMs) && Number.isFinite(rttMs)) {
      return this.#set(jitterBufferMs + rttMs / 2, "estimate");
    }
    return this.#set(null, null);
  }

  #next() {
    this.#video.requestVideoFrameCallback((now, metadata) => {
      this.#next();
      this.#presented += 1;
      this.#onFrame(now);
      if (this.#misses < IDLE_STRIDE || this.#presented % IDLE_STRIDE === 0) this.#read(metadata);
    });
  }

  #read(metadata) {
    const { videoWidth } = this.#video;
    if (videoWidth === 0) return;
    const { width, height } = this.#canvas;
    const strip = (videoWidth * ROWS) / COLUMNS;
    this.#context.drawImage(this.#video, 0, 0, videoWidth, strip, 0, 0, width, height);
    const stamp = readStamp(this.#context.getImageData(0, 0, width, height).data, width);
    if (!stamp) {
      this.#misses += 1;
      return;
    }
    this.#misses = 0;
    const shownMs = this.#clock.at(metadata.expectedDisplayTime);
    const captureMs = unwrapTime(stamp.time, shownMs);
    const latencyMs = shownMs - captureMs;
    this.frames.push({
      counter: stamp.counter,
      captureMs,
      shownMs,
      rtpTimestamp: metadata.rtpTimestamp ?? null,
      latencyMs,
    });
    if (this.frames.length > KEPT_FRAMES) this.frames.shift();
    this.#lastStampAt = performance.now();
    this.#recent.push(latencyMs);
    if (this.#recent.length > 15) this.#recent.shift();
    this.#set(median(this.#recent), "stamp");
  }

  #set(latencyMs, source) {
    if (source !== "stamp") this.#recent.length = 0;
    this.latencyMs = latencyMs;
    this.source = source;
  }
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
