// A recording's captions: the browser reads the files, and the page draws the lines over the picture,
// above the controls.

import { drawCues } from "./captionlines.js";
import { make } from "./elements.js";
import { recall, remember } from "./preference.js";

const MEMORY = "sluice.vod.captions";
const KEPT = 300;
const NOTES = Object.freeze({ live: "written live", final: "", upload: "by the streamer" });

/** What names a track, whatever its address is now. Pure. */
export function keyOf({ language, kind }) {
  return `${language}/${kind}`;
}

/**
 * The menu's entries, "Off" first; empty where there is nothing to choose. Pure.
 *
 * @param {{language: string, label: string, kind: string}[]} list
 * @param {string|null} chosen the key of a track
 */
export function captionChoices(list, chosen) {
  if (list.length === 0) return [];
  const entry = (id, name, note) => ({ id, name, note, checked: id === chosen, resting: false });
  const names = list.map(({ label, language }) => label || language);
  return [
    entry(null, "Off", ""),
    ...list.map((one, i) => entry(keyOf(one), names[i], NOTES[one.kind] ?? "")),
  ];
}

/** The track that somebody who liked `wish` before wants now: the same one, or one in its language. Pure. */
export function matching(list, wish) {
  if (!wish) return null;
  const language = wish.split("/")[0];
  const found = list.find((one) => keyOf(one) === wish) ?? list.find((one) => one.language === language);
  return found ? keyOf(found) : null;
}

/** Fires `change` when another track was chosen or its words came. */
export class VodCaptions extends EventTarget {
  #video;
  #overlay;
  #list = [];
  #chosen = null;
  #liked = null; // the last one that was on, for the key
  #track = null;
  #element = null;
  #renew;

  /** Lines that were shown: {text, positionMs}. For tests. */
  shown = [];

  /**
   * @param {HTMLVideoElement} video
   * @param {HTMLElement} overlay
   * @param {() => Promise<unknown>} renew asks for addresses that have not ended
   */
  constructor(video, overlay, renew) {
    super();
    this.#video = video;
    this.#overlay = overlay;
    this.#renew = renew;
    // Phones that show the video alone draw its captions by themselves.
    video.addEventListener("webkitbeginfullscreen", () => this.#track && (this.#track.mode = "showing"));
    video.addEventListener("webkitendfullscreen", () => this.#track && (this.#track.mode = "hidden"));
  }

  get list() {
    return this.#list;
  }

  /** The key of the track that is on, or null. */
  get chosen() {
    return this.#chosen;
  }

  /** The track that is on, or would be. */
  get current() {
    return this.#list.find((one) => keyOf(one) === (this.#chosen ?? this.#liked)) ?? this.#list[0] ?? null;
  }

  get choices() {
    return captionChoices(this.#list, this.#chosen);
  }

  /** The words of the track that is on: {fromMs, toMs, text}, or [] while they are not here. */
  get cues() {
    return Array.from(this.#track?.cues ?? [], (cue) => ({
      fromMs: Math.round(cue.startTime * 1000),
      toMs: Math.round(cue.endTime * 1000),
      text: cue.getCueAsHTML().textContent,
    }));
  }

  /** The tracks that there are, with their present addresses. */
  offer(list) {
    const first = this.#list.length === 0;
    this.#list = list;
    if (first) {
      this.#liked = matching(list, recall(MEMORY));
      if (this.#liked !== null) this.choose(this.#liked);
    } else if (this.#chosen !== null && !list.some((one) => keyOf(one) === this.#chosen)) this.choose(null);
    this.dispatchEvent(new Event("change"));
  }

  choose(key) {
    this.#chosen = key;
    if (key !== null) this.#liked = key;
    remember(MEMORY, key);
    this.#element?.remove();
    this.#element = null;
    this.#track = null;
    this.#overlay.replaceChildren();
    if (key !== null) this.#bring();
    this.dispatchEvent(new Event("change"));
  }

  toggle() {
    if (this.#list.length === 0) return;
    this.choose(this.#chosen === null ? keyOf(this.current) : null);
  }

  #bring(again = false) {
    const { language, label, vtt } = this.#list.find((one) => keyOf(one) === this.#chosen) ?? {};
    if (!vtt) return;
    const key = this.#chosen;
    const element = make("track", { kind: "captions", srclang: language, label, src: vtt });
    element.addEventListener("load", () => this.dispatchEvent(new Event("change")));
    element.addEventListener("error", async () => {
      // The address may have ended while nobody asked for it.
      if (again || this.#chosen !== key) return;
      await Promise.resolve(this.#renew()).catch(() => {});
      element.remove();
      if (this.#chosen === key) this.#bring(true);
    });
    this.#video.append(element);
    this.#element = element;
    this.#track = element.track;
    this.#track.mode = "hidden"; // it is read, and we draw it
    this.#track.addEventListener("cuechange", () => this.#draw());
  }

  #draw() {
    const lines = drawCues(this.#overlay, [...(this.#track?.activeCues ?? [])], this.current?.language);
    for (const line of lines) {
      this.shown.push({ text: line.textContent, positionMs: Math.round(this.#video.currentTime * 1000) });
    }
    if (this.shown.length > KEPT) this.shown.splice(0, this.shown.length - KEPT);
  }
}
