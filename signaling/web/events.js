// A channel's server-sent events, with a retry where EventSource itself gives up. While a session
// is open its own stream can stand in: it tells the same and the session's layer besides. There is
// one stream at a time, as browsers allow a page few connections to one host.

import { backoffMs } from "./backoff.js";

export const CHANNEL_NAMES = Object.freeze([
  "active",
  "inactive",
  "stalled",
  "resumed",
  "viewercount",
  "layers",
  "renditions",
  "reconnect",
]);
export const SESSION_NAMES = Object.freeze([...CHANNEL_NAMES, "layer"]);

/**
 * Listens until closed. `onEvent(name, data)` also brings the present state on each connect, and
 * `orphaned` where a session's own stream is refused: the server may not know the session any more.
 */
export class ChannelEvents {
  #url;
  #sessionUrl = null;
  #wanted = false;
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
    this.#wanted = true;
    const source = new EventSource(this.#sessionUrl ?? this.#url);
    this.#source = source;
    source.addEventListener("open", () => {
      this.up = true;
      this.#failures = 0;
    });
    source.addEventListener("error", () => this.#down(source));
    for (const name of SESSION_NAMES) {
      source.addEventListener(name, (event) => this.#onEvent(name, parse(event.data)));
    }
  }

  /** Listen to a session's own stream from now on, or (null) to the channel's again. */
  listenTo(sessionUrl) {
    if (sessionUrl === this.#sessionUrl) return;
    this.#sessionUrl = sessionUrl;
    if (this.#wanted) this.open();
  }

  close() {
    this.#wanted = false;
    this.up = false;
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  #down(source) {
    this.up = false;
    if (source !== this.#source || source.readyState !== EventSource.CLOSED) return;
    if (this.#sessionUrl !== null) {
      this.#onEvent("layer", {}); // nobody tells us of it any more
      this.#onEvent("orphaned", {});
      return this.listenTo(null);
    }
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
