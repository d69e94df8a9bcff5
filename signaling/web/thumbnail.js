// One picture of the storyboard, drawn from its sheet. Sheets are fetched when somebody points at
// the bar, and then those beside them.

import { make } from "./elements.js";
import { parseStoryboard, sheetsAround, tileAt } from "./storyboard.js";

export class Storyboard {
  #load;
  #folder;
  #tiles = null;
  #coming = null;
  #fetched = new Set();

  /**
   * @param {() => Promise<string>} load the WebVTT file's text
   * @param {() => string} folder the address that sheets are relative to, as it is now
   */
  constructor(load, folder) {
    this.#load = load;
    this.#folder = folder;
  }

  get isReady() {
    return this.#tiles !== null;
  }

  /** The tiles, once: a storyboard that cannot be had is none. */
  async ready() {
    this.#coming ??= this.#load().then(parseStoryboard, () => []);
    this.#tiles = await this.#coming;
    return this.#tiles;
  }

  /** Where the picture of a moment is: {address, x, y, width, height}, or null while not known. */
  at(ms) {
    if (this.#tiles === null) {
      this.ready();
      return null;
    }
    const tile = tileAt(this.#tiles, ms);
    if (tile === null) return null;
    for (const sheet of sheetsAround(this.#tiles, ms)) this.#fetch(sheet);
    return { ...tile, address: this.#address(tile.sheet) };
  }

  #fetch(sheet) {
    if (this.#fetched.has(sheet)) return;
    this.#fetched.add(sheet);
    new Image().src = this.#address(sheet);
  }

  #address(sheet) {
    return new URL(sheet, new URL(this.#folder(), location.origin)).href;
  }
}

/** An element that shows pictures of a storyboard, `width` CSS pixels wide. */
export class Thumbnail {
  #picture = make("span", {});
  #width;

  element = make("span", { class: "thumb", "aria-hidden": "true", hidden: true }, this.#picture);

  constructor(width) {
    this.#width = width;
  }

  /** `place` as Storyboard.at gives it; null hides it. */
  show(place) {
    this.element.hidden = place === null;
    if (place === null) return;
    const { address, x, y, width, height } = place;
    const scale = this.#width / width;
    this.element.style.width = `${this.#width}px`;
    this.element.style.height = `${Math.round(height * scale)}px`;
    Object.assign(this.#picture.style, {
      width: `${width}px`,
      height: `${height}px`,
      backgroundImage: `url("${address}")`,
      backgroundPosition: `-${x}px -${y}px`,
      transform: `scale(${scale})`,
    });
  }
}
