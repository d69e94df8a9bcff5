// A link to hand on: it stands there to be read, and a button copies it.

import { icon, make, put } from "./elements.js";

const SAID_MS = 2500;
let count = 0;

export class LinkField {
  #field;
  #word = make("span", {}, "Copy");
  #timer = null;

  /** @param {string} label what it leads to */
  constructor(label) {
    const id = `link-${(count += 1)}`;
    this.#field = make("input", { id, type: "text", readonly: true, on: { focus: () => this.#field.select() } });
    const copy = make("button", { type: "button", class: "button", on: { click: () => this.#copy() } },
      icon("copy"), this.#word);
    this.element = make("div", { class: "share" }, make("label", { for: id }, label), make("div", { class: "row" }, this.#field, copy));
  }

  get address() {
    return this.#field.value;
  }

  set address(address) {
    this.#field.value = address;
    put(this.#word, "Copy");
  }

  focus() {
    this.#field.focus();
  }

  async #copy() {
    let copied = true;
    try {
      await navigator.clipboard.writeText(this.#field.value);
    } catch {
      this.#field.select(); // pages without TLS may not: the keyboard still can
      copied = false;
    }
    this.#word.setAttribute("role", "status");
    put(this.#word, copied ? "Copied" : "Press Ctrl C");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => put(this.#word, "Copy"), SAID_MS);
  }
}
