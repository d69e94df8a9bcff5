// The bar of a recording: where it plays, what is loaded, its chapters, how busy it was, and a small
// picture of what one points at. A range input does the work, so that touch, keyboard and screen
// readers find what they know.

import { chapterAt, cutMask, segmentsOf } from "./chapters.js";
import { heatPath } from "./heatline.js";
import { make, put } from "./elements.js";
import { Thumbnail } from "./thumbnail.js";
import { spokenTime, timeText } from "./vodwords.js";

/** What the keys do on the bar, in ms. */
const STEPS = Object.freeze({
  ArrowLeft: -5000,
  ArrowDown: -5000,
  ArrowRight: 5000,
  ArrowUp: 5000,
  PageDown: -60_000,
  PageUp: 60_000,
});
const HEAT = Object.freeze({ width: 1000, height: 100 });
const THUMB_PX = 176;
/** So long the tip stays after a key. */
const TIP_MS = 1500;

export class VodBar {
  #at = (id) => document.getElementById(id);
  #bar = this.#at("seek");
  #rail = this.#at("rail");
  #loaded = this.#at("loaded");
  #tip = this.#at("seektip");
  #title = make("b", {});
  #time = make("span", {});
  #thumbnail = new Thumbnail(THUMB_PX);
  #seek;
  #storyboard = null;
  #chapters = [];
  #segments = [];
  #durationMs = 0;
  #positionMs = 0;
  #held = false;
  #tipTimer = null;

  /** @param {(ms: number) => void} seek */
  constructor(seek) {
    this.#seek = seek;
    this.#tip.append(this.#thumbnail.element, this.#title, this.#time);
    this.#bar.addEventListener("input", () => this.#preview());
    this.#bar.addEventListener("change", () => this.#commit());
    this.#bar.addEventListener("keydown", (event) => this.#onKey(event));
    this.#bar.addEventListener("pointermove", (event) => this.#hover(event));
    this.#bar.addEventListener("focus", () => this.#bar.matches(":focus-visible") && this.#pointBriefly());
    for (const name of ["pointerleave", "pointercancel", "blur"]) {
      this.#bar.addEventListener(name, () => this.#release());
    }
  }

  /** What it is a bar of. `storyboard` null: none, or not made yet. */
  describe({ durationMs, chapters, storyboard }) {
    this.#durationMs = durationMs;
    this.#chapters = chapters;
    this.#segments = segmentsOf(chapters, durationMs);
    this.#storyboard = storyboard;
    this.#bar.max = String(Math.max(1, Math.round(durationMs)));
    this.#rail.style.setProperty("--cuts", cutMask(this.#segments, durationMs));
    put(this.#at("length"), timeText(durationMs));
    this.show(this.#positionMs, []);
  }

  /** @param {{step_ms: number, values: number[]}} heat */
  drawHeat({ step_ms: stepMs, values }) {
    const path = heatPath(values, { stepMs, durationMs: this.#durationMs, ...HEAT });
    this.#at("heat").querySelector("path").setAttribute("d", path);
    this.#at("heat").toggleAttribute("hidden", path === "");
  }

  /**
   * Called some times a second.
   *
   * @param {number} positionMs
   * @param {{start: number, end: number}[]} buffered in ms
   */
  show(positionMs, buffered) {
    this.#positionMs = Math.min(Math.max(0, positionMs), this.#durationMs);
    this.#drawLoaded(buffered);
    if (this.#held) return;
    this.#set(this.#positionMs);
  }

  /** The moment that is pointed at, ms, or null. */
  get pointedMs() {
    return this.#tip.hidden ? null : Number(this.#tip.dataset.ms);
  }

  #set(ms) {
    this.#bar.value = String(Math.round(ms));
    this.#draw(ms);
    const chapter = this.#titleAt(ms);
    const text = `${spokenTime(ms)} of ${spokenTime(this.#durationMs)}${chapter ? `, chapter ${chapter}` : ""}`;
    if (this.#bar.getAttribute("aria-valuetext") !== text) this.#bar.setAttribute("aria-valuetext", text);
  }

  #draw(ms) {
    const share = this.#share(ms).toFixed(5);
    this.#bar.style.setProperty("--share", share);
    this.#rail.style.setProperty("--share", share);
    put(this.#at("now"), timeText(ms));
  }

  #drawLoaded(buffered) {
    const pieces = buffered.map(({ start, end }) => [this.#share(start), this.#share(end)]);
    const shape = JSON.stringify(pieces.map((piece) => piece.map((share) => Math.round(share * 1000))));
    if (this.#loaded.dataset.shape === shape) return;
    this.#loaded.dataset.shape = shape;
    this.#loaded.replaceChildren(
      ...pieces.map(([from, to]) => {
        const piece = make("i", {});
        piece.style.left = `${(from * 100).toFixed(2)}%`;
        piece.style.width = `${((to - from) * 100).toFixed(2)}%`;
        return piece;
      }),
    );
  }

  #share(ms) {
    return this.#durationMs > 0 ? Math.min(1, Math.max(0, ms / this.#durationMs)) : 0;
  }

  #titleAt(ms) {
    return this.#chapters[chapterAt(this.#chapters, ms)]?.title ?? "";
  }

  // --- pointing

  /** While the thumb is held the picture stays; what lies under it is shown. */
  #preview() {
    this.#held = true;
    this.#draw(this.#bar.valueAsNumber);
    this.#point(this.#bar.valueAsNumber);
  }

  #commit() {
    this.#held = false;
    this.#hideTip();
    this.#seek(this.#bar.valueAsNumber);
  }

  #release() {
    this.#held = false;
    this.#hideTip();
  }

  #hover({ offsetX, pointerType }) {
    if (this.#held || pointerType === "touch") return;
    const half = Number.parseFloat(getComputedStyle(this.#bar).getPropertyValue("--thumb")) / 2;
    const share = (offsetX - half) / Math.max(1, this.#bar.clientWidth - 2 * half);
    this.#point(Math.min(1, Math.max(0, share)) * this.#durationMs);
  }

  #pointBriefly() {
    this.#point(this.#positionMs);
    this.#tipTimer = setTimeout(() => this.#hideTip(), TIP_MS);
  }

  #point(ms) {
    clearTimeout(this.#tipTimer);
    this.#tip.hidden = false;
    this.#tip.dataset.ms = String(Math.round(ms));
    this.#thumbnail.show(this.#storyboard?.at(ms) ?? null);
    // With the first look the pictures are only fetched.
    if (this.#storyboard?.isReady === false) this.#storyboard.ready().then(() => this.pointedMs === Math.round(ms) && this.#point(ms));
    put(this.#title, this.#titleAt(ms));
    put(this.#time, timeText(ms));
    this.#tip.style.setProperty("--share", this.#share(ms).toFixed(4));
    const segment = this.#segments.find(({ fromMs, toMs }) => fromMs <= ms && ms < toMs);
    const several = this.#segments.length > 1 && segment;
    this.#rail.style.setProperty("--from", several ? this.#share(segment.fromMs).toFixed(5) : "0");
    this.#rail.style.setProperty("--to", several ? this.#share(segment.toMs).toFixed(5) : "0");
  }

  #hideTip() {
    clearTimeout(this.#tipTimer);
    this.#tip.hidden = true;
    this.#rail.style.setProperty("--to", "0");
    this.#rail.style.setProperty("--from", "0");
  }

  #onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    let target = null;
    if (event.key === "Home") target = 0;
    else if (event.key === "End") target = this.#durationMs;
    else if (event.key in STEPS) target = this.#positionMs + STEPS[event.key];
    if (target === null) return;
    event.preventDefault();
    event.stopPropagation();
    this.#positionMs = Math.min(Math.max(0, target), this.#durationMs);
    this.#set(this.#positionMs);
    this.#seek(this.#positionMs);
    this.#pointBriefly();
  }
}
