// The chapters as a list: one jumps by it, and sees which one is on.

import { chapterAt } from "./chapters.js";
import { make } from "./elements.js";
import { spokenTime, timeText } from "./vodwords.js";

export class ChapterList {
  #list;
  #seek;
  #chapters = [];
  #current = -1;

  /** @param {HTMLElement} list an ordered list @param {(ms: number) => void} seek */
  constructor(list, seek) {
    this.#list = list;
    this.#seek = seek;
  }

  /** Index of the chapter that is on; -1 before the first. */
  get current() {
    return this.#current;
  }

  describe(chapters) {
    this.#chapters = chapters;
    this.#current = -1;
    const rows = chapters.map(({ at_ms: at, title }) =>
      make("li", {},
        make("button", { type: "button", on: { click: () => this.#seek(at) } },
          make("span", { class: "time" }, make("span", { "aria-hidden": "true" }, timeText(at)), make("span", { class: "unseen" }, spokenTime(at))),
          make("span", { class: "name" }, title))));
    this.#list.replaceChildren(...rows);
  }

  show(positionMs) {
    const current = chapterAt(this.#chapters, positionMs);
    if (current === this.#current) return;
    const button = (i) => this.#list.children[i]?.firstChild;
    button(this.#current)?.removeAttribute("aria-current");
    button(current)?.setAttribute("aria-current", "true");
    this.#current = current;
  }
}
