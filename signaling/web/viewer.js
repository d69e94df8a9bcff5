// Watches one channel: drives the state table with what the session, the events and the pictures
// say, and rejoins when a session is lost. Knows no DOM.

import { backoffMs } from "./backoff.js";
import { ChannelEvents, SESSION_NAMES } from "./events.js";
import { ProblemError } from "./problem.js";
import { INITIAL, reduce } from "./states.js";
import { WhepSession, whepIceServers } from "./whep.js";

/** Everyone hears `active` in the same instant; this spreads the joins a little. */
const ACTIVE_SPREAD_MS = 150;
/** What a 409 without Retry-After means. */
const NOT_LIVE_RETRY_MS = 5000;
/** How long a session kept through `inactive` may stay dark after `active`. */
const KEPT_SESSION_MS = 3000;
/** Leftovers in the jitter buffer must not count as a recovery right after a stall. */
const SETTLE_MS = 400;

/**
 * Fires `state` (see states.js), `session` (a new WhepSession to attach), `drop` (the session is
 * about to end) and `channel` (viewers, live, layers or the layer that we get changed).
 */
export class ChannelViewer extends EventTarget {
  #channel;
  #token;
  #events;
  #session = null;
  #timer = null;
  #iceServers = [];
  #changedAt = 0;
  #granted = null;
  #wishing = Promise.resolve();

  state = INITIAL;
  /** What the server says of the channel; null until it says something. */
  live = null;
  stalled = false;
  viewers = null;
  sinceMs = null;
  layers = [];
  /** The layer that was chosen, by its rid; null leaves it to the server. */
  wish = null;
  /** The layer that the server sends us, by its rid; null while it says nothing or no picture. */
  rid = null;
  /** Our connection carries no picture right now. */
  audioOnly = false;
  /** Sessions opened so far; more than 1 means a rejoin happened. */
  joins = 0;

  constructor(channel, token) {
    super();
    this.#channel = channel;
    this.#token = token;
    this.#events = new ChannelEvents(channel, token, (name, data) => this.#onEvent(name, data));
  }

  get session() {
    return this.#session;
  }

  /** Follow the channel's state without joining, and learn what joining will need. */
  async follow() {
    this.#events.open();
    const servers = await whepIceServers(this.#channel, this.#token);
    if (this.#iceServers.length === 0) this.#iceServers = servers; // else a session's are newer
  }

  play() {
    this.#send({ type: "play" });
    this.#join();
  }

  /** Watch this layer, in this session and those that follow; null: what the connection carries. */
  choose(rid) {
    this.wish = rid;
    this.dispatchEvent(new Event("channel"));
    if (this.#session) this.#sendWish(this.#session);
  }

  /** Something else found out that this cannot work (say, that there is no such channel). */
  refuse(problem) {
    this.#drop();
    this.#send({ type: "refused", problem });
  }

  /** The page goes away. */
  leave() {
    clearTimeout(this.#timer);
    this.#events.close();
    this.#drop({ leaving: true });
    this.#send({ type: "stop" });
  }

  /** Pictures or sound arrived just now. */
  noteMedia() {
    if (this.state.name === "playing") return;
    const settling = this.state.reason === "stalled" || this.state.reason === "inactive";
    if (settling && performance.now() - this.#changedAt < SETTLE_MS) return;
    this.#send({ type: "media" });
  }

  /** No pictures arrive though the connection stands. `sound`: that still does. */
  noteSilence({ sound = false } = {}) {
    if (this.state.name !== "playing") return;
    // The server would have told us of a publisher that is silent, so it is our path that broke.
    if (this.live && !this.stalled && !sound) this.#session?.repair();
    this.#send({ type: this.live === false ? "inactive" : "stalled" });
  }

  #onEvent(name, data) {
    if (name === "viewercount" && Number.isFinite(data.viewers)) this.viewers = data.viewers;
    if (name === "layers" && Array.isArray(data.layers)) this.layers = data.layers;
    if (name === "layer") this.#setLayer(data);
    if (name === "active") {
      this.live = true;
      this.stalled = false;
      this.sinceMs = Number.isFinite(data.since_ms) ? data.since_ms : null;
    }
    if (name === "inactive") {
      this.live = false;
      this.#events.listenTo(null); // the server ends the session, and its stream with it
    }
    if (name === "reconnect" && this.#session) this.#lost(serverRestarts(data.retry_ms));
    if (name === "stalled") this.stalled = true;
    if (name === "resumed") this.stalled = false;
    if (["active", "inactive", "stalled"].includes(name)) this.#send({ type: name });
    if (name === "active" && this.state.name === "connecting" && this.state.reason === "active") {
      // A session that outlived the pause goes on by itself, or else is given up.
      this.#joinIn(this.#session ? KEPT_SESSION_MS : Math.random() * ACTIVE_SPREAD_MS);
    }
    this.dispatchEvent(new Event("channel"));
  }

  #joinIn(delay) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#join(), delay);
  }

  async #join() {
    clearTimeout(this.#timer);
    this.#drop();
    const session = new WhepSession({
      channel: this.#channel,
      token: this.#token,
      knownIceServers: this.#iceServers,
      handlers: {
        onConnected: () => {},
        onInterrupted: () => this.#send({ type: "interrupted" }),
        onLost: () => this.#lost(),
      },
    });
    this.#session = session;
    this.dispatchEvent(new Event("session"));
    try {
      await session.open();
      this.joins += 1;
      this.#iceServers = session.iceServers;
    } catch (error) {
      if (this.#session === session) this.#refused(error);
      return;
    }
    if (this.wish !== null) this.#sendWish(session);
    this.#followSession(session);
  }

  /** One at a time, so that the last one chosen is the last one to arrive. */
  #sendWish(session) {
    this.#wishing = this.#wishing.then(() => this.#ask(session));
  }

  async #ask(session) {
    const { wish } = this;
    if (this.#session !== session) return;
    try {
      await session.chooseLayer(wish);
      this.#granted = wish;
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      if (this.#session !== session || this.wish !== wish) return; // asked again meanwhile
      this.wish = error.status === 422 ? null : this.#granted; // 422: nobody sends that layer now
      this.dispatchEvent(new Event("channel"));
    }
  }

  async #followSession(session) {
    try {
      const url = await session.subscribe(SESSION_NAMES);
      if (this.#session === session && this.live !== false) this.#events.listenTo(url);
    } catch (error) {
      // The channel's stream goes on; only the name of our layer is missing.
      if (!(error instanceof ProblemError)) throw error;
    }
  }

  #setLayer({ rid, audio_only: audioOnly }) {
    this.rid = typeof rid === "string" ? rid : null;
    this.audioOnly = audioOnly === true;
  }

  #refused(error) {
    this.#drop();
    if (error instanceof ProblemError && error.status === 409) {
      this.#send({ type: "notLive" });
      // With the events up, `active` wakes us. Else, or when the two disagree, we ask again.
      if (!this.#events.up || this.live) {
        this.#joinIn(backoffMs(1, error.retryAfterMs || NOT_LIVE_RETRY_MS));
      }
    } else if (error instanceof ProblemError && error.passing) {
      this.#lost(error);
    } else {
      const problem =
        error instanceof ProblemError
          ? error
          : new ProblemError({ title: "This browser could not start the stream", detail: error.message });
      this.#send({ type: "refused", problem });
    }
  }

  #lost(problem = null) {
    this.#drop();
    this.#send({ type: "lost", problem });
    if (this.state.name !== "reconnecting") return; // offline waits for `active`
    this.#joinIn(backoffMs(this.state.attempt, problem?.retryAfterMs ?? 0));
  }

  #drop(options) {
    if (!this.#session) return;
    this.dispatchEvent(new Event("drop"));
    this.#session.close(options);
    this.#session = null;
    this.#setLayer({});
    this.#events.listenTo(null);
  }

  #send(event) {
    const before = this.state;
    this.state = reduce(before, event);
    if (this.state === before) return;
    this.#changedAt = performance.now();
    if (this.state.name === "playing") clearTimeout(this.#timer);
    this.dispatchEvent(new Event("state"));
  }
}

/** The server said goodbye; it wants us back after a while. */
function serverRestarts(retryMs) {
  return new ProblemError({
    title: "The server restarts",
    advice: "It goes on by itself.",
    retryAfterMs: Number.isFinite(retryMs) ? retryMs : 0,
  });
}
