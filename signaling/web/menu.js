// The quality menu: a button that opens a list, one entry of which is chosen. Works by pointer,
// by touch and by keyboard alone (WAI-ARIA menu button).

const MOVES = { ArrowDown: 1, ArrowUp: -1 };

export class QualityMenu {
  #button = document.getElementById("quality");
  #list = document.getElementById("qualitymenu");
  #choose;
  #choices = [];

  /** @param {(rid: string|null) => void} choose is told what a person chose */
  constructor(choose) {
    this.#choose = choose;
    this.#button.addEventListener("click", () => this.toggle());
    this.#list.addEventListener("keydown", (event) => this.#onKey(event));
    // In the capture phase: a click beside the menu closes it and does nothing else.
    document.addEventListener("click", (event) => this.#onClick(event), true);
  }

  get open() {
    return !this.#list.hidden;
  }

  /** What there is to choose (see layers.js); an empty list hides the button. */
  show(choices, shown) {
    this.#button.hidden = choices.length === 0;
    if (this.#button.hidden) this.close();
    const chosen = choices.find(({ checked }) => checked);
    const name = chosen?.rid === null && shown ? `Auto, ${shown}` : chosen?.name;
    this.#button.setAttribute("aria-label", name ? `Quality: ${name}` : "Quality");
    put(this.#button.querySelector("span"), shown || chosen?.name || "");
    const same =
      choices.length === this.#choices.length &&
      choices.every(({ rid }, i) => rid === this.#choices[i].rid);
    this.#choices = choices;
    if (!same) this.#rebuild();
    [...this.#list.querySelectorAll("button")].forEach((item, i) => {
      const { name: label, note, checked, resting } = choices[i];
      item.setAttribute("aria-checked", String(checked));
      item.setAttribute("aria-disabled", String(resting && !checked));
      put(item.querySelector(".name"), label);
      put(item.querySelector(".note"), note);
    });
  }

  toggle() {
    if (this.open) return this.close();
    if (this.#button.hidden) return;
    this.#list.hidden = false;
    this.#button.setAttribute("aria-expanded", "true");
    this.#focus(this.#choices.findIndex(({ checked }) => checked));
  }

  close() {
    if (!this.open) return;
    const inside = this.#list.contains(document.activeElement);
    this.#list.hidden = true;
    this.#button.setAttribute("aria-expanded", "false");
    if (inside) this.#button.focus();
  }

  #rebuild() {
    const focused = this.#items.indexOf(document.activeElement);
    const items = this.#choices.map(({ rid }) => {
      const item = document.createElement("button");
      item.type = "button";
      item.tabIndex = -1;
      item.setAttribute("role", "menuitemradio");
      for (const part of ["name", "note"]) {
        const text = document.createElement("span");
        text.className = part;
        item.append(text);
      }
      item.addEventListener("click", () => this.#take(rid));
      return item;
    });
    this.#list.querySelector(".items").replaceChildren(...items);
    if (focused >= 0) this.#focus(Math.min(focused, items.length - 1));
  }

  #take(rid) {
    const choice = this.#choices.find((one) => one.rid === rid);
    if (!choice || (choice.resting && !choice.checked)) return;
    this.close();
    this.#choose(rid);
  }

  get #items() {
    return [...this.#list.querySelectorAll("button")];
  }

  #focus(at) {
    const items = this.#items;
    items.at(at % items.length)?.focus();
  }

  #onKey(event) {
    const at = this.#items.indexOf(document.activeElement);
    if (event.key in MOVES) this.#focus(at + MOVES[event.key]);
    else if (event.key === "Home") this.#focus(0);
    else if (event.key === "End") this.#focus(-1);
    else if (event.key === "Escape" || event.key === "Tab") this.close();
    else return;
    event.stopPropagation();
    event.preventDefault();
  }

  #onClick(event) {
    if (!this.open || this.#list.contains(event.target) || this.#button.contains(event.target)) return;
    this.close();
    event.stopPropagation();
    event.preventDefault();
  }
}

function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
