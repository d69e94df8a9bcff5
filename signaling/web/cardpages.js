// A list of cards that grows by a page at a time.

import { put } from "./elements.js";
import { bearer, getJson, ProblemError } from "./problem.js";

export class CardPages {
  #parts;
  #path;
  #token;
  #card;
  #wants;
  #next = null;
  #busy = false;

  /** What the server has told so far, in its order. */
  items = [];

  /**
   * @param {{list: HTMLElement, more: HTMLElement, empty: HTMLElement, status: HTMLElement}} parts
   * @param {object} options
   * @param {string} options.path of the API; a page further on has `?before=`
   * @param {string|null} options.token
   * @param {(item: object) => HTMLElement} options.card
   * @param {(item: object) => boolean} options.wants which of them are shown
   */
  constructor(parts, { path, token, card, wants = () => true }) {
    this.#parts = parts;
    this.#path = path;
    this.#token = token;
    this.#card = card;
    this.#wants = wants;
    parts.more.addEventListener("click", () => this.load());
  }

  /** The first page, or the next one. */
  async load() {
    if (this.#busy) return;
    this.#busy = true;
    this.#parts.more.disabled = true;
    const first = this.items.length === 0;
    put(this.#parts.status, "Loading…");
    try {
      const before = this.#next === null ? "" : `?before=${encodeURIComponent(this.#next)}`;
      const { items, next } = await getJson(this.#path + before, { headers: bearer(this.#token) });
      this.#add(items, next, first);
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      put(this.#parts.status, `${error.title}. ${error.advice}`);
      this.#parts.more.hidden = !error.passing;
    } finally {
      this.#busy = false;
      this.#parts.more.disabled = false;
    }
  }

  #add(items, next, first) {
    const known = new Set(this.items.map(({ id }) => id));
    const fresh = items.filter((item) => !known.has(item.id) && this.#wants(item));
    const cards = fresh.map((item) => this.#card(item));
    this.items.push(...fresh);
    this.#next = next;
    this.#parts.list.append(...cards);
    this.#parts.list.hidden = this.items.length === 0;
    this.#parts.empty.hidden = this.items.length > 0 || next !== null;
    this.#parts.more.hidden = next === null;
    put(this.#parts.status, "");
    // Whoever pressed the button goes on with what came, also where the button is gone.
    if (!first && fresh.length > 0) cards[0].querySelector("a").focus();
  }
}
