// The studio's word on the recording: while it is live, this moment becomes the begin of a chapter,
// and what stands in the recording's way is told.

import { put } from "./elements.js";
import { bearer, getJson, ProblemError } from "./problem.js";

const SAID_MS = 6000;
/** How often it is asked whether the recording goes well. */
const LOOK_MS = 5000;

export class StudioMarker {
  #at = (id) => document.getElementById(id);
  #channel = null;
  #key = null;
  #timer = null;

  constructor() {
    this.#at("markerform").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#mark();
    });
    setInterval(() => this.#look(), LOOK_MS);
  }

  /** The broadcast of this channel is on the air; null: none is. */
  show(channel, key) {
    this.#channel = channel;
    this.#key = key;
    this.#at("markerform").hidden = channel === null;
    if (channel === null) this.#say("");
    this.#look();
  }

  async #look() {
    const warning = this.#at("recordwarning");
    if (this.#channel === null) {
      warning.hidden = true;
      return;
    }
    try {
      const told = await getJson(`/api/channels/${encodeURIComponent(this.#channel)}/recording`, {
        headers: bearer(this.#key),
      });
      put(warning, told.trouble ?? "");
      warning.hidden = told.trouble === null;
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error; // it is asked again
    }
  }

  async #mark() {
    const text = this.#at("markertext").value.trim();
    if (text === "") return this.#at("markertext").focus();
    this.#at("markerbutton").disabled = true;
    try {
      await getJson(`/api/channels/${encodeURIComponent(this.#channel)}/markers`, {
        method: "POST",
        headers: { "Content-Type": "application/json", ...bearer(this.#key) },
        body: JSON.stringify({ text }),
      });
      this.#at("markertext").value = "";
      this.#say(`Marked: ${text}`);
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      this.#say([error.title, error.detail].filter(Boolean).join(": "));
    } finally {
      this.#at("markerbutton").disabled = false;
    }
  }

  #say(words) {
    put(this.#at("markerstatus"), words);
    clearTimeout(this.#timer);
    if (words) this.#timer = setTimeout(() => this.#say(""), SAID_MS);
  }
}
