// The statistics panel: figures in, rows and a sparkline out.

import { sparklinePoints } from "./sparkline.js";

const HISTORY = 60; // one value a second

const SOURCES = {
  stamp: "measured from the frame stamp",
  rtcp: "from the server's sender reports",
  estimate: "estimate: server to here only",
};

export class StatsPanel {
  #root = document.getElementById("panel");
  #button = document.getElementById("panelbutton");
  #rows = new Map();
  #history = [];

  toggle() {
    this.#root.hidden = !this.#root.hidden;
    this.#button.setAttribute("aria-pressed", String(!this.#root.hidden));
  }

  /** Called once a second. */
  show(figures, latencyMs, source, extra) {
    if (latencyMs !== null) this.#history.push(latencyMs);
    if (this.#history.length > HISTORY) this.#history.shift();
    if (this.#root.hidden) return;
    document.getElementById("latency").textContent = whole(latencyMs);
    document.getElementById("source").textContent = SOURCES[source] ?? "waiting for a measure";
    document
      .getElementById("spark")
      .setAttribute("points", sparklinePoints(this.#history, HISTORY, 120, 40));
    this.#row("Picture", figures.width ? `${figures.width} × ${figures.height}` : "–");
    this.#row("Frames", `${whole(figures.fps)} fps`);
    this.#row("Video", `${bitrate(figures.videoKbps)} ${figures.codec ?? ""}`);
    this.#row("Sound", `${bitrate(figures.audioKbps)} ${figures.audioCodec ?? ""}`);
    this.#row("Loss", figures.lossPercent === null ? "–" : `${figures.lossPercent.toFixed(1)} %`);
    this.#row("Round trip", `${whole(figures.rttMs)} ms`);
    this.#row("Jitter buffer", `${whole(figures.jitterBufferMs)} ms`);
    this.#row("Freezes", `${figures.freezes} (${(figures.freezeMs / 1000).toFixed(1)} s)`);
    this.#row("First picture", `${whole(extra.firstFrameMs)} ms`);
    this.#row("Path", (figures.transport ?? "–").toUpperCase());
  }

  #row(name, value) {
    let cell = this.#rows.get(name);
    if (!cell) {
      const row = document.createElement("div");
      const term = document.createElement("dt");
      term.textContent = name;
      cell = document.createElement("dd");
      row.append(term, cell);
      document.getElementById("figures").append(row);
      this.#rows.set(name, cell);
    }
    if (cell.textContent !== value) cell.textContent = value;
  }
}

function whole(value) {
  return Number.isFinite(value) ? String(Math.round(value)) : "–";
}

function bitrate(kbps) {
  if (!Number.isFinite(kbps)) return "–";
  return kbps >= 1000 ? `${(kbps / 1000).toFixed(1)} Mbit/s` : `${Math.round(kbps)} kbit/s`;
}
