// What comes of a clip: how far it is, and then the link to it. Part of both clip dialogs.

import { make, put } from "./elements.js";
import { LinkField } from "./linkfield.js";
import { clipLink } from "./pagelinks.js";
import { ProblemError } from "./problem.js";
import { clipWords } from "./vodwords.js";

export class ClipOutcome {
  #work;
  #token;
  #leaving = new AbortController();
  #bar = make("progress", { max: "1", value: "0", "aria-label": "How far the clip is", hidden: true });
  #status = make("p", { class: "status", role: "status" });
  #field = new LinkField("Link to the clip");
  #open = make("a", { class: "button", target: "_blank", rel: "noopener", hidden: true }, "Watch the clip");

  element = make("div", { class: "outcome" }, this.#status, this.#bar, this.#field.element, this.#open);

  /** @param {ClipWork} work @param {string|null} token a viewer token */
  constructor(work, token) {
    this.#work = work;
    this.#token = token;
    this.reset();
  }

  /** Nobody waits any more. */
  reset() {
    this.#leaving.abort();
    put(this.#status, "");
    this.#bar.hidden = true;
    this.#field.element.hidden = true;
    this.#open.hidden = true;
  }

  /** To the link, where there is one. */
  focus() {
    if (!this.#field.element.hidden) this.#field.focus();
  }

  /**
   * Ask for a clip and show it once it is there.
   *
   * @param {() => Promise<object>} ask
   * @returns {Promise<object|null>} the clip, or null where there is none
   */
  async make(ask) {
    this.reset();
    const { signal } = (this.#leaving = new AbortController());
    put(this.#status, "One moment…");
    this.#bar.hidden = false;
    this.#bar.removeAttribute("value");
    try {
      let clip = await ask();
      if (signal.aborted) return null;
      this.#show(clip);
      clip = await this.#work.follow(clip, (told) => !signal.aborted && this.#show(told), signal);
      return signal.aborted ? null : clip;
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      if (signal.aborted) return null;
      this.#bar.hidden = true;
      put(this.#status, [error.title, error.detail].filter(Boolean).join(": "));
      return null;
    }
  }

  #show(clip) {
    put(this.#status, clipWords(clip));
    this.#bar.hidden = clip.state !== "making";
    if (clip.progress > 0) this.#bar.value = clip.progress;
    const ready = clip.state === "ready";
    this.#field.element.hidden = !ready;
    this.#open.hidden = !ready;
    if (!ready) return;
    this.#field.address = new URL(clip.page || clipLink(clip.id), location.origin).href;
    this.#open.href = clipLink(clip.id, this.#token);
  }
}
