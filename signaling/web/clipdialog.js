// The clip dialog of a recording: two handles on a strip of its pictures, and the player itself goes
// round between them as the preview. It does not cover the picture, and is closed with Escape.

import { ClipOutcome } from "./clipoutcome.js";
import { loopTarget, LONGEST_MS, rangeBefore, SHORTEST_MS, stripAround, withBegin, withEnd } from "./cliprange.js";
import { ClipWork } from "./clipwork.js";
import { button, make, put } from "./elements.js";
import { Thumbnail } from "./thumbnail.js";
import { spokenTime, timeText } from "./vodwords.js";

const TILES = 8;
const TILE_PX = 64;
const STEP_MS = 100;
/** What the keys do on a handle, in ms. */
const STEPS = Object.freeze({ PageUp: 5000, PageDown: -5000, ArrowRight: 500, ArrowUp: 500, ArrowLeft: -500, ArrowDown: -500 });

export class ClipDialog {
  #player;
  #work;
  #outcome;
  #vod;
  #durationMs = 0;
  #storyboard = null;
  #range = { fromMs: 0, toMs: 0 };
  #strip = { startMs: 0, endMs: 1 };
  #before = null; // {positionMs, paused}: where the viewer was
  #tiles = Array.from({ length: TILES }, () => new Thumbnail(TILE_PX));
  #begin = this.#handle("Begin of the clip", "begin", withBegin);
  #end = this.#handle("End of the clip", "end", withEnd);
  #bar = make("div", { class: "clipbar" },
    make("div", { class: "film", "aria-hidden": "true" }, ...this.#tiles.map(({ element }) => make("span", {}, element))),
    make("i", { class: "chosen", "aria-hidden": "true" }), make("i", { class: "playhead", "aria-hidden": "true" }), this.#begin, this.#end);
  #words = make("p", { class: "quiet cliptimes" });
  #title = make("input", { type: "text", maxlength: "140", autocomplete: "off", placeholder: "A title, if you like" });
  #submit = make("button", { type: "submit", class: "button primary" }, "Make the clip");
  #dialog;

  /**
   * @param {object} options
   * @param {string} options.vod
   * @param {string|null} options.token a viewer token
   * @param {object} options.player {positionMs, paused, seek(ms), play(), pause()}
   */
  constructor({ vod, token, player }) {
    this.#vod = vod;
    this.#player = player;
    this.#work = new ClipWork(token);
    this.#outcome = new ClipOutcome(this.#work, token);
    this.#dialog = make("dialog", { class: "sheet clipsheet", "aria-labelledby": "cliptitle", on: { close: () => this.#onClose() } },
      make("header", {}, make("h2", { id: "cliptitle" }, "Make a clip"), make("span", { class: "grow" }),
        button("Close", () => this.#dialog.close(), { icon: "close", class: "tool" })),
      make("form", { on: { submit: (event) => this.#onSubmit(event) } },
        this.#bar, this.#words, make("label", {}, "Title", this.#title), this.#submit),
      this.#outcome.element,
    );
    document.body.append(this.#dialog);
    // Wherever the focus is: a dialog that lets the page go on does not close by itself.
    document.addEventListener("keydown", (event) => this.#onKey(event));
  }

  get isOpen() {
    return this.#dialog.open;
  }

  /** @param {{durationMs: number, storyboard: Storyboard|null}} recording */
  open({ durationMs, storyboard }) {
    if (this.isOpen) return;
    const { positionMs, paused } = this.#player;
    this.#before = { positionMs, paused };
    this.#durationMs = durationMs;
    this.#storyboard = storyboard;
    this.#range = rangeBefore(positionMs, durationMs);
    this.#strip = stripAround(this.#range, durationMs);
    this.#outcome.reset();
    this.#dialog.show();
    this.#begin.focus();
    this.#draw();
    this.#drawFilm();
    this.#player.seek(this.#range.fromMs);
    this.#player.play();
  }

  /** Called some times a second. */
  show(positionMs) {
    if (!this.isOpen) return;
    this.#bar.style.setProperty("--at", this.#share(positionMs).toFixed(4));
    const target = loopTarget(this.#range, positionMs);
    if (target !== null && !this.#player.paused) this.#player.seek(target);
  }

  #handle(label, name, move) {
    const input = make("input", { type: "range", class: name, step: String(STEP_MS), "aria-label": label });
    const set = (ms) => {
      this.#range = move(this.#range, ms, this.#strip);
      this.#draw();
      // Who moves the end wants to see the end.
      this.#player.seek(name === "begin" ? this.#range.fromMs : Math.max(this.#range.fromMs, this.#range.toMs - 1500));
    };
    input.addEventListener("input", () => set(this.#strip.startMs + input.valueAsNumber));
    input.addEventListener("keydown", (event) => {
      if (!(event.key in STEPS)) return;
      event.preventDefault();
      set((name === "begin" ? this.#range.fromMs : this.#range.toMs) + STEPS[event.key]);
    });
    return input;
  }

  #share(ms) {
    const { startMs, endMs } = this.#strip;
    return Math.min(1, Math.max(0, (ms - startMs) / Math.max(1, endMs - startMs)));
  }

  #draw() {
    const { fromMs, toMs } = this.#range;
    for (const [input, ms] of [[this.#begin, fromMs], [this.#end, toMs]]) {
      input.max = String(this.#strip.endMs - this.#strip.startMs);
      input.value = String(ms - this.#strip.startMs);
      input.setAttribute("aria-valuetext", spokenTime(ms));
    }
    this.#bar.style.setProperty("--from", this.#share(fromMs).toFixed(4));
    this.#bar.style.setProperty("--to", this.#share(toMs).toFixed(4));
    put(this.#words, `${timeText(fromMs)} to ${timeText(toMs)}, ${((toMs - fromMs) / 1000).toFixed(1)} seconds`);
    const length = toMs - fromMs;
    this.#submit.disabled = length < SHORTEST_MS || length > LONGEST_MS;
  }

  async #drawFilm() {
    await this.#storyboard?.ready();
    const { startMs, endMs } = this.#strip;
    this.#tiles.forEach((tile, i) => {
      tile.show(this.#storyboard?.at(startMs + ((i + 0.5) / TILES) * (endMs - startMs)) ?? null);
    });
  }

  async #onSubmit(event) {
    event.preventDefault();
    const { fromMs, toMs } = this.#range;
    const title = this.#title.value.trim();
    this.#submit.disabled = true;
    const clip = await this.#outcome.make(() => this.#work.ofVod(this.#vod, { from_ms: fromMs, to_ms: toMs, title }));
    this.#submit.disabled = false;
    if (clip?.state === "ready") this.#outcome.focus();
  }

  #onKey(event) {
    if (event.key !== "Escape" || event.defaultPrevented || !this.isOpen) return;
    event.preventDefault();
    this.#dialog.close();
  }

  /** Back to where the viewer was. */
  #onClose() {
    this.#outcome.reset();
    if (this.#before === null) return;
    const { positionMs, paused } = this.#before;
    this.#before = null;
    this.#player.seek(positionMs);
    if (paused) this.#player.pause();
    else this.#player.play();
  }
}
