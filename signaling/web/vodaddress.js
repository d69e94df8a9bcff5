// What the server says of a recording, and where its files are for this viewer. Where the channel is
// for token bearers the folder is signed and ends some time: it is asked for again before that, and
// what is loaded under the old folder is then loaded under the new one.

import { renewalDelay } from "./playback.js";
import { bearer, getJson } from "./problem.js";

const RETRY_MS = 5000;

/** Fires `change` when the server has said something new. */
export class VodAddress extends EventTarget {
  #vod;
  #token;
  #nowMs;
  #old = new Set();
  #timer = null;
  #asking = null;

  /** VodDetails as the server told them last; null before the first answer. */
  details = null;

  /**
   * @param {string} vod
   * @param {string|null} token a viewer token
   * @param {() => number} nowMs the server's clock, Unix ms
   */
  constructor(vod, token, nowMs) {
    super();
    this.#vod = vod;
    this.#token = token;
    this.#nowMs = nowMs;
  }

  /** The address of an API route of this recording, and what to send with it. */
  api(path) {
    return [`/api/vods/${encodeURIComponent(this.#vod)}${path}`, { headers: bearer(this.#token) }];
  }

  /** Ask the server, and keep the addresses valid until `rest`. Throws ProblemError. */
  async ask() {
    this.#asking ??= this.#fetch().finally(() => (this.#asking = null));
    await this.#asking;
    return this.details;
  }

  /** Nobody needs the addresses any more. */
  rest() {
    clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** The present address of something that was named under an older folder. */
  renewed(url) {
    const folder = this.details?.folder;
    if (!folder) return url;
    const { pathname } = new URL(url, globalThis.location?.origin);
    for (const old of this.#old) {
      if (pathname.startsWith(old)) return url.replace(old, folder);
    }
    return url;
  }

  async #fetch() {
    const [path, init] = this.api("");
    const details = await getJson(path, init);
    const before = this.details?.folder;
    if (before && before !== details.folder) this.#old.add(before);
    this.#old.delete(details.folder);
    this.details = details;
    this.#renewIn(renewalDelay(details.expires_ms, this.#nowMs()));
    this.dispatchEvent(new Event("change"));
  }

  #renewIn(delay) {
    clearTimeout(this.#timer);
    if (delay === null) return;
    this.#timer = setTimeout(() => {
      this.ask().catch(() => this.#renewIn(RETRY_MS)); // the old address may live on meanwhile
    }, delay);
  }
}
