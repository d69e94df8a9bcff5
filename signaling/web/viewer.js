// Watches one channel: drives the state table with what the session, the events and the pictures
// say, and rejoins when a session is lost. Knows no DOM.

import { backoffMs } from "./backoff.js";
import { ChannelEvents, SESSION_NAMES } from "./events.js";
import { Patience } from "./patience.js";
import { ProblemError } from "./problem.js";
import { INITIAL, reduce } from "./states.js";
import { TransportPlan } from "./transportplan.js";
import { WhepSession, whepIceServers } from "./whep.js";

/** Everyone hears `active` in the same instant; this spreads the joins a little. */
const ACTIVE_SPREAD_MS = 150;
/** What a 409 without Retry-After means. */
const NOT_LIVE_RETRY_MS = 5000;
/** How long a session kept through `inactive` may stay dark after `active`. */
const KEPT_SESSION_MS = 3000;
/** Leftovers in the jitter buffer must not count as a recovery right after a stall. */
const SETTLE_MS = 400;
/** Where HLS can take over, WebRTC gets so long from its POST to its first connection. */
const CONNECT_MS = 6000;
/** After `inactive` HLS shows what it still has; a player that does not come to its end is ended. */
const PLAY_OUT_MS = 20_000;

/**
 * Fires `state` (see states.js), `session` (a new WhepSession or ElementSession to attach), `drop`
 * (the session is about to end), `channel` (viewers, live, layers or the layer that we get changed),
 * `transport` (another one was taken, for a reason) and `levels` (HLS has more to choose from).
 */
export class ChannelViewer extends EventTarget {
  #channel;
  #token;
  #events;
  #session = null;
  #followed = null; // the session whose own stream we listen to
  #timer = null;
  #iceServers = [];
  #changedAt = 0;
  #granted = null;
  #wishing = Promise.resolve();
  #plan;
  #makeHls;
  #connected = false;
  #limit = null;
  #patience = new Patience();

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
  /** What was taken (see transports.js) and why not another one; null before the first session. */
  transport = null;
  transportReason = "";

  /**
   * @param {TransportPlan} plan which way the stream may come
   * @param {(options: object) => object} makeHls makes an ElementSession
   */
  constructor(channel, token, plan = new TransportPlan(), makeHls = null) {
    super();
    this.#channel = channel;
    this.#token = token;
    this.#plan = plan;
    this.#makeHls = makeHls;
    this.#events = new ChannelEvents(channel, token, (name, data) => this.#onEvent(name, data));
  }

  get session() {
    return this.#session;
  }

  /** A WebRTC viewer who went back in time, for whom HLS stands in. */
  get rewound() {
    return this.#plan.rewoundTo !== null;
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

  /** Take the stream in this way from now on: one of transports.js' WISHES. */
  wishTransport(wish) {
    this.#plan.wishFor(wish);
    if (this.#session && this.#plan.choose(performance.now()).name !== this.transport) this.#join();
    else this.dispatchEvent(new Event("transport"));
  }

  /** Watch from this moment (Unix ms) on, which only HLS can. */
  rewind(dateMs) {
    this.#plan.rewoundTo = dateMs;
    this.#join();
  }

  /** Back to the present, by the transport that was left for the past. */
  goLive() {
    if (this.rewound) {
      this.#plan.rewoundTo = null;
      this.#join();
    } else this.#session?.goLive?.();
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
    if (this.live && !this.stalled && !sound) this.#session?.repair?.();
    this.#send({ type: this.live === false ? "inactive" : "stalled" });
  }

  #onEvent(name, data) {
    if (name === "viewercount" && Number.isFinite(data.viewers)) this.viewers = data.viewers;
    if (name === "layers" && Array.isArray(data.layers)) this.layers = data.layers;
    if (name === "layer") this.#setLayer(data);
    // A server that was started anew does not know our session: asked for it, it says so at once.
    // The stream may be that of the session before, which a new one has replaced already.
    if (name === "orphaned") return void (this.#session === this.#followed && this.#session?.repair?.());
    if (name === "active") {
      this.live = true;
      this.stalled = false;
      this.sinceMs = Number.isFinite(data.since_ms) ? data.since_ms : null;
    }
    if (name === "inactive") {
      this.live = false;
      this.#events.listenTo(null); // the server ends the session, and its stream with it
    }
    // A player of HLS has seconds in hand and asks on by itself.
    if (name === "reconnect" && this.transport === "webrtc" && this.#session) this.#restarted(data);
    if (name === "stalled") this.stalled = true;
    if (name === "resumed") this.stalled = false;
    if (name === "active" || name === "resumed") this.#patience.begin(performance.now());
    // HLS shows everything later: its own pictures tell when they stop.
    const delayed = this.#session !== null && this.transport !== "webrtc";
    if (name === "inactive" && delayed) this.#playOut();
    else if (name === "active" || (["inactive", "stalled"].includes(name) && !delayed)) this.#send({ type: name });
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
    const { name, player, reason } = this.#plan.choose(performance.now());
    this.#take(name, reason);
    if (name === null) return this.#send({ type: "refused", problem: this.#fault() });
    const session = name === "webrtc" ? this.#openWebrtc() : this.#openHls(name, player);
    this.#session = session;
    this.dispatchEvent(new Event("session"));
    try {
      await session.open();
      if (this.#session !== session) return;
      this.joins += 1;
    } catch (error) {
      if (this.#session === session) this.#refused(error);
      return;
    }
    if (name === "webrtc") this.#followWebrtc(session);
    else this.#plan.served = true;
  }

  #take(name, reason) {
    if (name === this.transport && reason === this.transportReason) return;
    if (name !== this.transport) this.#send({ type: "switched" });
    this.transport = name;
    this.transportReason = reason;
    this.dispatchEvent(new Event("transport"));
  }

  #openWebrtc() {
    this.#connected = false;
    const session = new WhepSession({
      channel: this.#channel,
      token: this.#token,
      knownIceServers: this.#iceServers,
      handlers: {
        onConnected: () => {
          this.#connected = true;
          clearTimeout(this.#limit);
        },
        onInterrupted: () => this.#send({ type: "interrupted" }),
        onLost: (gone) => this.#webrtcLost(gone),
      },
    });
    return session;
  }

  #followWebrtc(session) {
    this.#iceServers = session.iceServers;
    if (this.wish !== null) this.#sendWish(session);
    this.#followSession(session);
    const now = performance.now();
    if (this.#connected || !this.#plan.canLeave("webrtc", now)) return;
    this.#limit = setTimeout(() => this.#webrtcLost(false), CONNECT_MS - (now - session.postedAt));
  }

  /** `gone`: the server ended it, so the way to it is not to blame. */
  #webrtcLost(gone) {
    const now = performance.now();
    if (!gone && !this.#connected) return this.#trouble("blocked") || this.#lost();
    if (!gone && this.live && !this.stalled && this.#plan.broke(now)) this.#join();
    else this.#lost();
  }

  #openHls(transport, player) {
    let session = null;
    this.#patience.begin(performance.now());
    const ours = (act) => (...given) => this.#session === session && act(...given);
    session = this.#makeHls({
      transport,
      player,
      startAtMs: this.#plan.rewoundTo,
      handlers: {
        onReady: ours(() => this.dispatchEvent(new Event("ready"))),
        onMoving: ours(() => this.#moves()),
        onStarved: ours(() => this.#starved(session)),
        onStall: ours(() => this.#stalledOnce(session)),
        onLevels: ours(() => this.dispatchEvent(new Event("levels"))),
        onLost: ours((problem) => (problem ? this.#refused(problem) : this.#lost())),
        onEnded: ours(() => this.#ended()),
      },
    });
    return session;
  }

  #moves() {
    this.#patience.moved(performance.now());
    this.noteMedia();
  }

  #starved(session) {
    if (session.finished || this.live === false) return this.#ended(); // there is no more to wait for
    this.#send({ type: this.stalled ? "stalled" : "interrupted" });
    // A player may be stuck in ways that nobody foresaw; another one of it begins at live.
    if (!this.stalled && session.live && this.#patience.isOver(performance.now())) this.#lost();
  }

  /** A publisher who stalls is no reason to keep a larger distance. */
  #stalledOnce(session) {
    if (this.transport !== "llhls" || this.stalled || this.live === false) return;
    if (session.stalls.often(performance.now()) && this.#trouble("stalling")) return;
    session.keepAway();
  }

  #playOut() {
    const session = this.#session;
    clearTimeout(this.#limit);
    this.#limit = setTimeout(() => {
      if (this.#session === session && session.live && this.live === false) this.#ended();
    }, PLAY_OUT_MS);
  }

  /** The broadcast's last picture was shown. Its successor may be live already. */
  #ended() {
    this.#plan.rewoundTo = null;
    if (this.live !== false) return this.#lost();
    this.#drop();
    this.#send({ type: "inactive" });
  }

  /** Something stands against the present transport; true when another one takes over. */
  #trouble(kind) {
    if (!this.#plan.trouble(this.transport, kind, performance.now())) return false;
    this.#join();
    return true;
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
      if (this.#session !== session || this.live === false) return;
      this.#followed = session;
      this.#events.listenTo(url);
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
    const problem = error instanceof ProblemError ? error : null;
    const wasRewound = this.rewound;
    this.#plan.rewoundTo = null;
    if (wasRewound) this.#join(); // the past cannot be had: the present it is
    else if (this.#plan.refused(this.transport, problem, performance.now())) this.#join();
    // HLS knows no "not live": where nothing is live, there is no playlist.
    else if (problem?.status === 409 || (problem?.status === 425 && this.live === false)) {
      this.#send({ type: "notLive" });
      // With the events up, `active` wakes us. Else, or when the two disagree, we ask again.
      if (!this.#events.up || this.live) {
        this.#joinIn(backoffMs(1, error.retryAfterMs || NOT_LIVE_RETRY_MS));
      }
    } else if (problem?.passing) {
      this.#lost(error);
    } else {
      this.#send({ type: "refused", problem: problem ?? this.#fault(error) });
    }
  }

  /** Something that no server said: this browser lacks or failed in something. */
  #fault(error) {
    const { name, reason } = this.#plan.choose(performance.now());
    const advice = "Try another browser.";
    if (name === null) return new ProblemError({ title: reason, advice });
    return new ProblemError({ title: "This browser could not start the stream", detail: error.message, advice });
  }

  /** A server with many to take back spreads them over some time. `ended`: all sessions are over. */
  #restarted({ retry_ms: retryMs, spread_ms: spreadMs, ended }) {
    const spread = Number.isFinite(spreadMs) ? spreadMs * Math.random() : 0;
    this.#lost(serverRestarts(retryMs + spread), { gone: ended === true });
  }

  #lost(problem = null, options = {}) {
    this.#drop(options);
    this.#send({ type: "lost", problem });
    if (this.state.name !== "reconnecting") return; // offline waits for `active`
    this.#joinIn(backoffMs(this.state.attempt, problem?.retryAfterMs ?? 0));
  }

  #drop(options) {
    clearTimeout(this.#limit);
    if (!this.#session) return;
    this.dispatchEvent(new Event("drop"));
    this.#session.close(options);
    this.#session = null;
    this.#setLayer({});
    // Where all sessions are gone, the next one's stream comes in a moment; until then nobody asks.
    if (!options?.gone) this.#events.listenTo(null);
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
