// Where a channel's HLS lies for this viewer. The server answers with an address that carries a
// signature and ends some time; it is asked again before that, and what is loaded under the old
// address is then loaded under the new one.

import { bearer, getJson } from "./problem.js";

/** Ask again this long before the end, or at half of a short life. */
const EARLY_MS = 60_000;
const RETRY_MS = 5000;
/** setTimeout takes no more than 31 bits. */
const LONGEST_MS = 2 ** 31 - 1;

export class Playback {
  #channel;
  #token;
  #nowMs;
  #prefix = null;
  #old = new Set();
  #timer = null;
  #asking = null;

  /** Address of the multivariant playlist, or null before the first answer. */
  master = null;

  /**
   * @param {string} channel
   * @param {string|null} token a viewer token
   * @param {() => number} nowMs the server's clock, Unix ms
   */
  constructor(channel, token, nowMs) {
    this.#channel = channel;
    this.#token = token;
    this.#nowMs = nowMs;
  }

  /**
   * The address of the multivariant playlist, and keep it valid until `rest`. Throws ProblemError.
   */
  async ask() {
    this.#asking ??= this.#fetch().finally(() => (this.#asking = null));
    await this.#asking;
    return this.master;
  }

  /** Nobody plays any more. */
  rest() {
    clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** The present address of something that was named under an older one. */
  renewed(url) {
    if (this.#prefix === null) return url;
    const { pathname } = new URL(url, this.master);
    for (const old of this.#old) {
      if (pathname.startsWith(old)) return url.replace(old, this.#prefix);
    }
    return url;
  }

  async #fetch() {
    const path = `/api/channels/${encodeURIComponent(this.#channel)}/playback`;
    const answer = await getJson(path, { method: "POST", headers: bearer(this.#token), timeoutMs: 5000 });
    const { master, expires_ms: expiresMs } = answer;
    this.master = new URL(master, globalThis.location?.origin).href;
    const prefix = folderOf(this.master);
    if (this.#prefix !== null && this.#prefix !== prefix) this.#old.add(this.#prefix);
    this.#old.delete(prefix);
    this.#prefix = prefix;
    this.#renewIn(renewalDelay(expiresMs, this.#nowMs()));
  }

  #renewIn(delay) {
    clearTimeout(this.#timer);
    if (delay === null) return;
    this.#timer = setTimeout(() => {
      this.ask().catch(() => this.#renewIn(RETRY_MS)); // the old address may live on meanwhile
    }, delay);
  }
}

/** How long to wait with the next question, in ms; null where the address does not end. */
export function renewalDelay(expiresMs, nowMs) {
  if (!Number.isFinite(expiresMs)) return null;
  const left = expiresMs - nowMs;
  return Math.min(LONGEST_MS, Math.max(1000, left - Math.min(EARLY_MS, left / 2)));
}

/** The path up to and with the last slash: everything of the channel lies under it. */
function folderOf(url) {
  const { pathname } = new URL(url);
  return pathname.slice(0, pathname.lastIndexOf("/") + 1);
}
