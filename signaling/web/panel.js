// The statistics panel: figures in, rows and a sparkline out.

import { sparklinePoints } from "./sparkline.js";

const HISTORY = 60; // one value a second

const SOURCES = {
  stamp: "measured from the frame stamp",
  rtcp: "from the server's sender reports",
  pdt: "from the playlist's clock: packager to screen",
  estimate: "estimate: server to here only",
};

export class StatsPanel {
  #root = document.getElementById("panel");
  #button = document.getElementById("panelbutton");
  #rows = new Map();
  #history = [];
  #source = null;

  toggle() {
    this.#root.hidden = !this.#root.hidden;
    this.#button.setAttribute("aria-pressed", String(!this.#root.hidden));
  }

  /** Called once a second, with rows as in rows.js. */
  show(rows, latencyMs, source) {
    if (source !== this.#source) this.#history = []; // another measure, or another transport
    this.#source = source;
    if (latencyMs !== null) this.#history.push(latencyMs);
    if (this.#history.length > HISTORY) this.#history.shift();
    if (this.#root.hidden) return;
    document.getElementById("latency").textContent = latencyMs === null ? "–" : String(Math.round(latencyMs));
    document.getElementById("source").textContent = SOURCES[source] ?? "waiting for a measure";
    document
      .getElementById("spark")
      .setAttribute("points", sparklinePoints(this.#history, HISTORY, 120, 40));
    const names = new Set(rows.map(([name]) => name));
    for (const [name, { row }] of this.#rows) {
      if (names.has(name)) continue;
      row.remove();
      this.#rows.delete(name);
    }
    for (const [name, value] of rows) this.#row(name, value);
  }

  /** Rows that come later than others stand below them. */
  #row(name, value) {
    let { cell } = this.#rows.get(name) ?? {};
    if (!cell) {
      const row = document.createElement("div");
      const term = document.createElement("dt");
      term.textContent = name;
      cell = document.createElement("dd");
      row.append(term, cell);
      document.getElementById("figures").append(row);
      this.#rows.set(name, { row, cell });
    }
    if (cell.textContent !== value) cell.textContent = value;
  }
}
