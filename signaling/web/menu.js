// The quality menu, and others like it: a button that opens a list of sections, of each one entry is
// chosen. Works by pointer, by touch and by keyboard alone (WAI-ARIA menu button).

const MOVES = { ArrowDown: 1, ArrowUp: -1 };

export class QualityMenu {
  #button;
  #list;
  #title;
  #sections = [];
  #shape = "";

  /** `name`: id of the button, and with "menu" after it of the list; `title`: what it is about. */
  constructor(name = "quality", title = "Quality") {
    this.#button = document.getElementById(name);
    this.#list = document.getElementById(`${name}menu`);
    this.#title = title;
    this.#button.addEventListener("click", () => this.toggle());
    this.#list.addEventListener("keydown", (event) => this.#onKey(event));
    // In the capture phase: a click beside the menu closes it and does nothing else.
    document.addEventListener("click", (event) => this.#onClick(event), true);
  }

  get open() {
    return !this.#list.hidden;
  }

  /**
   * What there is to choose; sections without entries are left out, and the button when all are.
   *
   * @param {{label: string, choices: object[], choose: (id: string|null) => void}[]} sections
   *   choices as in layers.js: {id, name, note, checked, resting}, the first one is automatic; the
   *   first section names the button
   * @param {string} shown what is on the screen, such as "720p"
   */
  show(sections, shown) {
    this.#sections = sections.filter(({ choices }) => choices.length > 0);
    this.#button.hidden = this.#sections.length === 0;
    if (this.#button.hidden) this.close();
    const ladder = sections[0]?.choices ?? [];
    const chosen = ladder.find(({ checked }) => checked);
    const name = chosen && chosen === ladder[0] && shown ? `Auto, ${shown}` : (chosen?.name ?? shown);
    this.#button.setAttribute("aria-label", name ? `${this.#title}: ${name}` : this.#title);
    put(this.#button.querySelector("span"), shown || chosen?.name || "");
    const shape = JSON.stringify(this.#sections.map(({ label, choices }) => [label, ...choices.map(({ id }) => id)]));
    if (shape !== this.#shape) this.#rebuild();
    this.#shape = shape;
    const choices = this.#choices;
    this.#items.forEach((item, i) => {
      const { name: label, note, checked, resting } = choices[i].choice;
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
    this.#focus(this.#choices.findIndex(({ choice }) => choice.checked));
  }

  close() {
    if (!this.open) return;
    const inside = this.#list.contains(document.activeElement);
    this.#list.hidden = true;
    this.#button.setAttribute("aria-expanded", "false");
    if (inside) this.#button.focus();
  }

  get #choices() {
    return this.#sections.flatMap(({ choices, choose }) => choices.map((choice) => ({ choice, choose })));
  }

  get #items() {
    return [...this.#list.querySelectorAll("button")];
  }

  #rebuild() {
    const focused = this.#items.indexOf(document.activeElement);
    let count = 0;
    const groups = this.#sections.map(({ label, choices }) => {
      const group = document.createElement("div");
      group.setAttribute("role", "group");
      group.setAttribute("aria-label", label);
      const title = document.createElement("p");
      title.className = "label";
      title.setAttribute("aria-hidden", "true");
      title.textContent = label;
      group.append(title, ...choices.map(() => this.#item(count++)));
      return group;
    });
    this.#list.replaceChildren(...groups);
    if (focused >= 0) this.#focus(Math.min(focused, count - 1));
  }

  #item(index) {
    const item = document.createElement("button");
    item.type = "button";
    item.tabIndex = -1;
    item.setAttribute("role", "menuitemradio");
    for (const part of ["name", "note"]) {
      const text = document.createElement("span");
      text.className = part;
      item.append(text);
    }
    item.addEventListener("click", () => this.#take(index));
    return item;
  }

  #take(index) {
    const { choice, choose } = this.#choices[index] ?? {};
    if (!choice || (choice.resting && !choice.checked)) return;
    this.close();
    choose(choice.id);
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
