// The emotes to choose from: a small sheet over the composer.

import { emoteNode } from "./chatrows.js";
import { button, make } from "./elements.js";

/** How many stand in a line; arrow keys go up and down by it. */
const COLUMNS = 7;

export class EmotePicker {
  #choose;
  #opener = button("Emotes", () => this.toggle(), { icon: "smile", class: "tool", "aria-expanded": "false", "aria-haspopup": "dialog" });
  #sheet = make("div", { class: "emotes", role: "dialog", "aria-label": "Emotes", hidden: true, on: { keydown: (event) => this.#onKey(event) } });
  #shape = "";

  /** `choose(name)` is called for each emote that is picked. */
  constructor(choose) {
    this.#choose = choose;
    document.addEventListener("click", (event) => {
      if (!this.#sheet.contains(event.target) && !this.#opener.contains(event.target)) this.close();
    });
  }

  get opener() {
    return this.#opener;
  }

  get sheet() {
    return this.#sheet;
  }

  /** What there is to choose from; without any the button goes. */
  show(emotes) {
    const shape = JSON.stringify(emotes);
    if (shape === this.#shape) return;
    this.#shape = shape;
    const names = Object.keys(emotes);
    this.#opener.hidden = names.length === 0;
    const tiles = names.map((name) => {
      const tile = make("button", { type: "button", "aria-label": name, title: `:${name}:` }, emoteNode(name, emotes));
      tile.addEventListener("click", () => this.#choose(name));
      return tile;
    });
    this.#sheet.replaceChildren(...tiles);
  }

  toggle() {
    if (!this.#sheet.hidden) return this.close();
    this.#sheet.hidden = false;
    this.#opener.setAttribute("aria-expanded", "true");
    this.#sheet.firstElementChild?.focus();
  }

  close() {
    if (this.#sheet.hidden) return;
    const inside = this.#sheet.contains(document.activeElement);
    this.#sheet.hidden = true;
    this.#opener.setAttribute("aria-expanded", "false");
    if (inside) this.#opener.focus();
  }

  #onKey(event) {
    const tiles = [...this.#sheet.children];
    const at = tiles.indexOf(document.activeElement);
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -COLUMNS, ArrowDown: COLUMNS }[event.key];
    if (step !== undefined) tiles[Math.min(tiles.length - 1, Math.max(0, at + step))]?.focus();
    else if (event.key === "Escape") this.close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
