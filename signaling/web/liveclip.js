// The watch page's clip dialog: the last seconds of what is live, by one click.

import { ClipOutcome } from "./clipoutcome.js";
import { USUAL_MS } from "./cliprange.js";
import { ClipWork } from "./clipwork.js";
import { make } from "./elements.js";

export class LiveClip {
  #channel;
  #work;
  #outcome;
  #dialog;

  /** @param {string} channel @param {string|null} token a viewer token */
  constructor(channel, token) {
    this.#channel = channel;
    this.#work = new ClipWork(token);
    this.#outcome = new ClipOutcome(this.#work, token);
    this.#dialog = make("dialog", { class: "sheet", "aria-labelledby": "cliptitle", on: { close: () => this.#outcome.reset() } },
      make("h2", { id: "cliptitle" }, "Clip"),
      make("p", { class: "quiet" }, `The last ${USUAL_MS / 1000} seconds that you saw.`),
      this.#outcome.element,
      make("form", { method: "dialog" }, make("button", { class: "button", type: "submit" }, "Close")),
    );
    document.head.append(make("link", { rel: "stylesheet", href: "/static/recordings.css" }));
    document.body.append(this.#dialog);
  }

  /** @param {number|null} untilMs the moment on the viewer's screen, Unix ms; null: now */
  open(untilMs) {
    if (this.#dialog.open) return;
    this.#dialog.showModal();
    const wish = { seconds: USUAL_MS / 1000 };
    if (untilMs !== null) wish.until_ms = Math.max(0, Math.round(untilMs));
    this.#outcome.make(() => this.#work.ofLive(this.#channel, wish)).then(() => this.#outcome.focus());
  }
}
