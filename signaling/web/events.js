// A channel's server-sent events, with a retry where EventSource itself gives up.

import { backoffMs } from "./backoff.js";

const NAMES = ["active", "inactive", "stalled", "resumed", "viewercount", "layers", "reconnect"];

/** Listens until closed. `onEvent(name, data)` also brings the present state on each connect. */
export class ChannelEvents {
  #url;
  #onEvent;
  #source = null;
  #timer = null;
  #failures = 0;

  /** Whether the stream is up, so that its silence means "nothing new". */
  up = false;

  constructor(channel, token, onEvent) {
    const query = token ? `?token=${encodeURIComponent(token)}` : "";
    this.#url = `/api/channels/${encodeURIComponent(channel)}/events${query}`;
    this.#onEvent = onEvent;
  }

  open() {
    this.close();
    const source = new EventSource(this.#url);
    this.#source = source;
    source.addEventListener("open", () => {
      this.up = true;
      this.#failures = 0;
    });
    source.addEventListener("error", () => this.#down(source));
    for (const name of NAMES) {
      source.addEventListener(name, (event) => this.#onEvent(name, parse(event.data)));
    }
  }

  close() {
    this.up = false;
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  #down(source) {
    this.up = false;
    if (source !== this.#source || source.readyState !== EventSource.CLOSED) return;
    // The browser retries broken connections but not refusals (HTTP errors): those we retry, from
    // some seconds on, as a token that has expired is refused each time.
    this.#failures += 1;
    this.#timer = setTimeout(() => this.open(), backoffMs(this.#failures + 3));
  }
}

function parse(data) {
  try {
    const value = JSON.parse(data || "{}");
    return value !== null && typeof value === "object" ? value : {};
  } catch {
    return {};
  }
}
