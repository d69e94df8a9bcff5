// An HLS session: what hls.js and a browser's own player have in common. Both fill a video element
// and buffer, so both can stall, go back in time and return to live.

import { clamp, dateAt, isLive, timeAt } from "./dvr.js";
import { bufferAhead, mediaFigures } from "./mediafigures.js";
import { StallMeter } from "./stalls.js";

const LOOK_MS = 200;
/** A stall of that length is told; shorter ones are only counted. */
const STARVED_MS = 1000;
/** A seek that takes longer waits for media that does not come: that is a stall as well. */
const SEEK_MS = 1500;
/** A beginning that is off by less is left alone. */
const NEAR_MS = 1000;
/** A follower of live that fell behind by more than this is taken back to it. */
const JUMP_MS = Object.freeze({ llhls: 4000, hls: 6000 });

/**
 * One session. Handlers: `onReady()` the element is ours and may be played; `onMoving()` the picture
 * moves; `onStarved()` it does not, for a second or more; `onStall()` one more stall began;
 * `onLost(problem)` only a new session helps; `onEnded()` the broadcast's last picture was shown;
 * `onLevels()` there is more to choose from.
 *
 * Subclasses bring `open`, `attached`, `anchors`, `liveTime`, `startTime`, `levels` and what
 * `source` tells.
 */
export class ElementSession {
  #handlers;
  #clock;
  #timer = null;
  #counted = 0;
  #shown = false;
  #soughtAt = -Infinity;
  #swapping = false;
  #listeners = new AbortController();
  #following;
  #startAtMs;

  video;
  transport;
  stalls = new StallMeter();
  /** When the first question left, on performance.now()'s clock; null before. */
  postedAt = null;
  over = false;

  /** `startAtMs`: the moment (Unix ms) to begin at; null for live. */
  constructor({ video, transport, clock, handlers, startAtMs = null }) {
    this.video = video;
    this.transport = transport;
    this.#clock = clock;
    this.#handlers = handlers;
    this.#following = startAtMs === null;
    this.#startAtMs = startAtMs;
  }

  get handlers() {
    return this.#handlers;
  }

  /** Whether the element shows this session and nothing else. */
  owns(video) {
    return !this.over && video === this.video && this.attached;
  }

  /** To be called once the element is ours. */
  begin() {
    const options = { signal: this.#listeners.signal };
    const listen = (name, act) => this.video.addEventListener(name, act, options);
    listen("playing", () => {
      this.#shown = true;
      this.#swapping = false;
      this.#beginThere();
      this.#look();
    });
    listen("pause", () => !this.video.ended && !this.#swapping && this.#follow(false));
    listen("play", () => !this.#swapping && this.#follow(this.#near ?? this.#following));
    listen("ended", () => this.#handlers.onEnded());
    listen("seeking", () => (this.#soughtAt = performance.now()));
    for (const name of ["waiting", "timeupdate"]) listen(name, () => this.#look());
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  close() {
    if (this.over) return;
    this.over = true;
    clearInterval(this.#timer);
    this.#listeners.abort();
    this.detach();
  }

  // --- time

  /** The moment on the screen (Unix ms), or null while nothing says. */
  get playingMs() {
    return dateAt(this.anchors, this.video.currentTime);
  }

  /** {start, end} of what can be watched, Unix ms; live plays at its end. Null before. */
  get seekable() {
    const { anchors, startTime, liveTime } = this;
    if (anchors.length === 0 || startTime === null || liveTime === null) return null;
    const start = dateAt(anchors, startTime);
    return { start, end: Math.max(start, dateAt(anchors, liveTime)) };
  }

  /** From that moment to now, on the server's clock. */
  get liveDelayMs() {
    const playing = this.playingMs;
    return playing === null ? null : this.#clock.at() - playing;
  }

  get bufferMs() {
    return bufferAhead(this.#ranges, this.video.currentTime);
  }

  /** Whether the viewer is where live plays, and is kept there. */
  get live() {
    return this.#following;
  }

  goLive() {
    this.#follow(true);
    if (this.liveTime !== null) this.video.currentTime = this.liveTime;
    this.video.play().catch(() => {});
  }

  /** Watch from this moment on (Unix ms). */
  seek(dateMs) {
    const { seekable } = this;
    if (seekable === null) return;
    if (isLive(dateMs, seekable.end)) return this.goLive();
    this.#follow(false);
    this.video.currentTime = timeAt(this.anchors, Math.max(dateMs, seekable.start));
  }

  /** Another source is put into the element: what it does meanwhile is nobody's wish. */
  swap() {
    this.#swapping = true;
    this.#shown = false;
  }

  // --- figures

  figures(previous) {
    return mediaFigures(this.sample, previous);
  }

  get sample() {
    const now = performance.now();
    const quality = this.video.getVideoPlaybackQuality?.();
    return {
      at: now,
      transport: this.transport,
      frames: quality?.totalVideoFrames ?? 0,
      dropped: quality?.droppedVideoFrames ?? 0,
      width: this.video.videoWidth,
      height: this.video.videoHeight,
      liveDelayMs: this.liveDelayMs,
      bufferMs: this.bufferMs,
      playbackRate: this.video.playbackRate,
      stalls: this.stalls.count,
      stallMs: this.stalls.total(now),
      ...this.source,
    };
  }

  // --- for subclasses to refine

  /** Whether the broadcast is over, so that what is left is the last there is. */
  get finished() {
    return false;
  }

  /** Whether the publisher sent something for this time of the player, as far as one can tell. */
  sent(time) {
    return this.#ranges.some(({ start, end }) => start <= time && time < end);
  }

  /** Stalls ask for a larger distance from live. */
  keepAway() {}

  /** Whether it is kept near live changed. */
  followed(following) {}

  detach() {
    this.video.removeAttribute("src");
    this.video.load();
  }

  /** What the element holds, in s. */
  get #ranges() {
    const { buffered } = this.video;
    return Array.from(buffered, (_, i) => ({ start: buffered.start(i), end: buffered.end(i) }));
  }

  /** Whether the picture is where live plays; null while nobody knows. */
  get #near() {
    const { seekable, playingMs } = this;
    return seekable === null || playingMs === null ? null : isLive(playingMs, seekable.end);
  }

  #follow(following) {
    if (following === this.#following) return;
    this.#following = following;
    this.followed(following);
  }

  #look() {
    if (this.over) return;
    const now = performance.now();
    const { video, stalls } = this;
    const seeks = video.seeking && now - this.#soughtAt < SEEK_MS;
    const resting = !this.#shown || video.paused || seeks || video.ended;
    const moved = stalls.look(now, video.currentTime, resting);
    if (stalls.count > this.#counted) {
      this.#counted = stalls.count;
      this.#handlers.onStall();
    }
    if (moved) {
      this.#handlers.onMoving();
      this.#keepLive();
    } else if (stalls.lasting(now) > STARVED_MS) {
      this.#handlers.onStarved();
      this.#leaveHole();
    }
  }

  /** Players like to begin at live, whatever they were told. */
  #beginThere() {
    const { seekable, playingMs } = this;
    if (this.#startAtMs === null || seekable === null || playingMs === null) return;
    const date = clamp(this.#startAtMs, seekable);
    this.#startAtMs = null;
    if (Math.abs(playingMs - date) > NEAR_MS) this.video.currentTime = timeAt(this.anchors, date);
  }

  /** After a long stall: back to live at once, as catching up would take minutes. */
  #keepLive() {
    if (!this.#following || this.finished || this.liveTime === null) return;
    const behind = (this.liveTime - this.video.currentTime) * 1000;
    if (behind > JUMP_MS[this.transport]) this.video.currentTime = this.liveTime;
  }
  /**
   * A follower who stands before a hole goes to live once there is something to see. A seek right
   * before a hole may never end; hls.js leaves it alone where the hole is longer than 2 s, and may
   * load no more of the sound.
   */
  #leaveHole() {
    const { liveTime, video } = this;
    // Who heard that it starves may have closed it: the element is another session's then.
    if (this.over || !this.#following || this.finished || liveTime === null) return;
    const behind = (liveTime - video.currentTime) * 1000;
    if (behind > JUMP_MS[this.transport] && this.sent(liveTime)) video.currentTime = liveTime;
  }
}
