// Tabs (WAI-ARIA): a row of buttons of which one is chosen, and what each of them shows.

const MOVES = { ArrowLeft: -1, ArrowRight: 1 };

export class Tabs extends EventTarget {
  #tabs;
  #wide;
  #chosen = null;
  #there;

  /**
   * @param {HTMLElement} list the row; each button names its panel in aria-controls
   * @param {object} options
   * @param {MediaQueryList|null} options.wide where it matches, tabs of `besides` stand elsewhere
   * @param {string[]} options.besides ids of such panels
   */
  constructor(list, { wide = null, besides = [] } = {}) {
    super();
    this.#tabs = [...list.querySelectorAll("[role=tab]")];
    this.#wide = wide;
    this.#there = new Map(this.#tabs.map((tab) => [panelOf(tab), { shown: true, beside: besides.includes(panelOf(tab)) }]));
    for (const tab of this.#tabs) tab.addEventListener("click", () => this.choose(panelOf(tab)));
    list.addEventListener("keydown", (event) => this.#onKey(event));
    wide?.addEventListener("change", () => this.#apply());
    this.#apply();
  }

  /** The id of the panel that is shown, or null. */
  get chosen() {
    return this.#chosen;
  }

  choose(panel) {
    this.#chosen = panel;
    this.#apply();
    this.dispatchEvent(new Event("choose"));
  }

  /** Whether there is anything in that panel. */
  offer(panel, shown) {
    this.#there.get(panel).shown = shown;
    this.#apply();
  }

  #apply() {
    const wide = this.#wide?.matches ?? false;
    const usable = this.#tabs.filter((tab) => {
      const { shown, beside } = this.#there.get(panelOf(tab));
      return shown && !(beside && wide);
    });
    if (!usable.some((tab) => panelOf(tab) === this.#chosen)) this.#chosen = usable[0] ? panelOf(usable[0]) : null;
    for (const tab of this.#tabs) {
      const panel = panelOf(tab);
      const chosen = panel === this.#chosen;
      const { shown, beside } = this.#there.get(panel);
      tab.hidden = !usable.includes(tab);
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      document.getElementById(panel).hidden = !(shown && (chosen || (beside && wide)));
    }
    const row = this.#tabs[0]?.parentElement;
    if (row) row.hidden = usable.length === 0;
  }

  #onKey(event) {
    const usable = this.#tabs.filter((tab) => !tab.hidden);
    const at = usable.indexOf(document.activeElement);
    let next = null;
    if (event.key in MOVES) next = usable.at((at + MOVES[event.key]) % usable.length);
    else if (event.key === "Home") next = usable[0];
    else if (event.key === "End") next = usable.at(-1);
    if (at < 0 || !next) return;
    event.preventDefault();
    next.focus();
    this.choose(panelOf(next));
  }
}

function panelOf(tab) {
  return tab.getAttribute("aria-controls");
}
