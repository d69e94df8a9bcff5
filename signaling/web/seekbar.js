// The seek bar and the button beside it that leads back to live. A range input does the work, so
// that touch, keyboard and screen readers find what they know.

import { behindText, clamp, clockTime, shareOf } from "./dvr.js";

/** What the keys do on the bar, in ms. */
const STEPS = Object.freeze({
  ArrowLeft: -5000,
  ArrowDown: -5000,
  ArrowRight: 5000,
  ArrowUp: 5000,
  PageDown: -60_000,
  PageUp: 60_000,
});

export class SeekBar {
  #root = document.getElementById("timeline");
  #bar = document.getElementById("seek");
  #tip = document.getElementById("seektip");
  #begin = document.getElementById("seekstart");
  #behind = document.getElementById("behind");
  #live = document.getElementById("golive");
  #actions;
  #window = null;
  #playing = null;
  #held = false;

  /** @param {{seek: (dateMs: number) => void, goLive: () => void}} actions */
  constructor(actions) {
    this.#actions = actions;
    this.#bar.addEventListener("input", () => this.#preview());
    this.#bar.addEventListener("change", () => this.#commit());
    this.#bar.addEventListener("keydown", (event) => this.#onKey(event));
    this.#bar.addEventListener("pointermove", (event) => this.#hover(event));
    for (const name of ["pointerleave", "pointercancel", "blur"]) {
      this.#bar.addEventListener(name, () => this.#release());
    }
    this.#live.addEventListener("click", () => actions.goLive());
  }

  /**
   * Called some times a second.
   *
   * @param {{start: number, end: number}|null} window what can be watched, Unix ms; null hides all
   * @param {number|null} playing the moment on the screen
   * @param {boolean} live whether that is kept at the window's end
   */
  show(window, playing, live) {
    const there = window !== null && playing !== null;
    this.#root.hidden = !there;
    this.#live.hidden = !there;
    this.#behind.textContent = there && !live ? `−${behindText(window.end - playing)}` : "";
    if (!there) return;
    this.#window = window;
    this.#playing = live ? window.end : clamp(playing, window);
    const name = live ? "Live" : "Go live";
    if (this.#live.dataset.live !== String(live)) {
      this.#live.dataset.live = String(live);
      this.#live.querySelector("span").textContent = name;
      this.#live.setAttribute("aria-label", live ? "You watch live" : "Go live");
    }
    this.#begin.textContent = clockTime(window.start);
    if (!this.#held) this.#set(this.#playing, live);
  }

  /** Move by so many ms, as the page's arrow keys do. */
  step(ms) {
    if (this.#window) this.#actions.seek(clamp(this.#playing + ms, this.#window));
  }

  #set(date, live) {
    const { start, end } = this.#window;
    this.#bar.min = "0";
    this.#bar.max = String(Math.round(end - start));
    this.#bar.value = String(Math.round(date - start));
    this.#bar.style.setProperty("--share", shareOf(date, this.#window).toFixed(4));
    const text = live ? "Live" : `${clockTime(date)}, ${behindText(end - date)} behind live`;
    this.#bar.setAttribute("aria-valuetext", text);
  }

  get #value() {
    return this.#window.start + this.#bar.valueAsNumber;
  }

  /** While the thumb is held the picture stays; the time under it is shown. */
  #preview() {
    if (!this.#window) return;
    this.#held = true;
    this.#bar.style.setProperty("--share", shareOf(this.#value, this.#window).toFixed(4));
    this.#point(this.#value);
  }

  #commit() {
    if (!this.#window) return;
    this.#held = false;
    this.#tip.hidden = true;
    this.#actions.seek(this.#value);
  }

  #release() {
    this.#held = false;
    this.#tip.hidden = true;
  }

  #hover({ offsetX, pointerType }) {
    if (!this.#window || this.#held || pointerType === "touch") return;
    const { start, end } = this.#window;
    const share = Math.min(1, Math.max(0, offsetX / this.#bar.clientWidth));
    this.#point(start + share * (end - start));
  }

  #point(date) {
    const behind = this.#window.end - date;
    this.#tip.hidden = false;
    this.#tip.textContent = behind < 1000 ? "Live" : `${clockTime(date)} · −${behindText(behind)}`;
    this.#tip.style.setProperty("--share", shareOf(date, this.#window).toFixed(4));
  }

  #onKey(event) {
    if (!this.#window || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "End") this.#actions.goLive();
    else if (event.key === "Home") this.#actions.seek(this.#window.start);
    else if (event.key in STEPS) this.step(STEPS[event.key]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
