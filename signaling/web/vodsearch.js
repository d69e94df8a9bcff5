// What was said in a recording: all of it while nothing is looked for, else the places where a word
// falls. Each line leads to its place.

import { make, put } from "./elements.js";
import { getJson, ProblemError } from "./problem.js";
import { many, spokenTime, timeText } from "./vodwords.js";

const PAUSE_MS = 300;
/** More lines at once are of no use to anybody. */
const MOST_LINES = 3000;

/** A found line in three pieces: before, the find, after. Pure; places outside the text do no harm. */
export function piecesOf({ text, begin, end }) {
  const from = Math.min(Math.max(0, begin), text.length);
  const to = Math.min(Math.max(from, end), text.length);
  return [text.slice(0, from), text.slice(from, to), text.slice(to)];
}

/** Index of the line that is said at `ms`, or was last; -1 before the first. Pure. */
export function lineAt(lines, ms) {
  return lines.findLastIndex(({ atMs }) => atMs <= ms);
}

export class VodSearch {
  #captions;
  #address;
  #seek;
  #list;
  #status;
  #field;
  #timer = null;
  #asking = new AbortController();
  #lines = []; // {atMs}, as they stand there
  #current = -1;
  #shape = "";

  /**
   * @param {HTMLElement} root holds #find, #findstatus and #lines
   * @param {{captions: VodCaptions, address: VodAddress, seek: (ms: number) => void}} page
   */
  constructor(root, { captions, address, seek }) {
    this.#captions = captions;
    this.#address = address;
    this.#seek = seek;
    this.#field = root.querySelector("input");
    this.#status = root.querySelector("[role=status]");
    this.#list = root.querySelector("ol");
    this.#field.addEventListener("input", () => this.#soon(PAUSE_MS));
    root.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#soon(0);
    });
    captions.addEventListener("change", () => this.#word === "" && this.#showAll());
    this.#showAll();
  }

  /** What stands there: {atMs, text}. For tests. */
  get lines() {
    return this.#lines.map(({ atMs, text }) => ({ atMs, text }));
  }

  show(positionMs) {
    const current = lineAt(this.#lines, positionMs);
    if (current === this.#current) return;
    const button = (i) => this.#list.children[i]?.firstChild;
    button(this.#current)?.removeAttribute("aria-current");
    if (this.#word === "") button(current)?.setAttribute("aria-current", "true");
    this.#current = current;
  }

  get #word() {
    return this.#field.value.trim();
  }

  #soon(ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), ms);
  }

  async #look() {
    this.#asking.abort();
    const asking = (this.#asking = new AbortController());
    const word = this.#word;
    if (word === "") return this.#showAll();
    const [path, init] = this.#address.api(`/search?q=${encodeURIComponent(word)}`);
    try {
      const { items } = await getJson(path, init);
      if (asking.signal.aborted) return;
      const lines = items.map((found) => ({ atMs: found.at_ms, text: found.text, pieces: piecesOf(found), lang: found.language }));
      this.#draw(lines, items.length === 0 ? "Nobody said that." : `${many(items.length, "place")} found`);
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      if (!asking.signal.aborted) this.#draw([], `${error.title}. ${error.detail}`);
    }
  }

  #showAll() {
    const { cues, current, chosen } = this.#captions;
    const lines = cues.slice(0, MOST_LINES).map(({ fromMs, text }) => ({
      atMs: fromMs, text, pieces: [text, "", ""], lang: current?.language,
    }));
    const hint = chosen === null ? "Turn captions on to read along here, or look for a word." : "";
    this.#draw(lines, lines.length > 0 ? "" : hint);
  }

  #draw(lines, status) {
    put(this.#status, status);
    const shape = JSON.stringify(lines);
    if (shape === this.#shape) return; // whoever has the focus in one of them keeps it
    this.#shape = shape;
    this.#lines = lines;
    this.#current = -1;
    this.#list.replaceChildren(...lines.map((line) => this.#row(line)));
  }

  #row({ atMs, pieces: [before, find, after], lang }) {
    const words = make("span", { class: "name", lang }, before, find ? make("mark", {}, find) : null, after);
    const time = make("span", { class: "time" },
      make("span", { "aria-hidden": "true" }, timeText(atMs)), make("span", { class: "unseen" }, spokenTime(atMs)));
    return make("li", {}, make("button", { type: "button", on: { click: () => this.#seek(atMs) } }, time, words));
  }
}
