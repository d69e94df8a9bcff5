// Keeps one client in its room: takes a ticket, opens the line that is best right now, and comes
// back by itself after a loss. A viewer by WebRTC uses the data channels of the session, everybody
// else a WebSocket; changing over resumes where the other one was.

import { backoffMs } from "./backoff.js";
import { ChannelLine } from "./chatchannel.js";
import { ChatClient } from "./chatclient.js";
import { SocketLine } from "./chatsocket.js";

const TICK_MS = 1000;

/** The number of the goodbye that says that our name is somebody else's. */
export const NAME_TAKEN = 12;

/**
 * Fires `status`. `onFrame(frame, bytes)` hears the room; `position()` says the moment on the
 * viewer's screen, or null.
 */
export class ChatConnection extends EventTarget {
  #identity;
  #position;
  #channels = null;
  #line = null;
  #turn = 0; // what belongs to an earlier one is ignored
  #attempt = 0;
  #bye = null;
  #retry = null;
  #ticking = null;

  client;
  /** off | connecting | in | waiting | away (only a person brings it back) | absent (no chat here) */
  status = "off";
  /** Why it is `away` or `waiting`: a ProblemError or {title}; null where it just broke. */
  problem = null;

  constructor({ identity, onFrame, position }) {
    super();
    this.#identity = identity;
    this.#position = position;
    this.client = new ChatClient((frame, bytes) => this.#onFrame(frame, bytes, onFrame), makeId);
  }

  /** webrtc | websocket | null */
  get transport() {
    return this.client.isIn ? this.#line.name : null;
  }

  start() {
    this.#ticking ??= setInterval(() => this.#tick(), TICK_MS);
    this.#attempt = 0;
    this.#connect();
  }

  stop() {
    clearInterval(this.#ticking);
    this.#ticking = null;
    this.#drop({});
    this.client.giveUp();
    this.#become("off");
  }

  /** Greet anew, as whoever we are now. */
  renew() {
    this.#drop({ again: true });
    this.#connect();
  }

  /** The data channels of the viewer's session (see openChatChannels); null when it has ended. */
  useChannels(channels) {
    const before = this.#channels;
    this.#channels = channels;
    if (this.status === "off" || this.status === "absent") return;
    if (before !== null && this.#line?.name === "webrtc") this.#lost();
    channels?.chat.addEventListener("open", () => {
      if (this.#channels === channels && ["in", "connecting", "waiting"].includes(this.status)) this.renew();
    });
  }

  /** For what may get lost, such as hearts. */
  tellLoosely(frame) {
    if (this.client.isIn) this.#line.sendLoose(JSON.stringify(frame));
    return this.client.isIn;
  }

  async #connect() {
    clearTimeout(this.#retry);
    const turn = (this.#turn += 1);
    this.#become("connecting");
    let pass;
    try {
      pass = await this.#identity.ticket();
    } catch (error) {
      if (turn === this.#turn) this.#refused(error);
      return;
    }
    if (turn !== this.#turn) return;
    const ours = (act) => (...given) => turn === this.#turn && act(...given);
    const handlers = {
      onOpen: ours(() => {
        const greeting = { ticket: pass.ticket, at: this.#position() };
        this.client.connect((text) => this.#line.send(text), greeting, performance.now());
      }),
      onFrame: ours((text) => this.client.receive(text, performance.now()) || this.#broken()),
      onClose: ours(() => this.#lost()),
    };
    this.#bye = null;
    const usable = this.#channels?.chat.readyState === "open";
    this.#line = usable ? new ChannelLine(this.#channels, handlers) : new SocketLine(socketUrl(pass.url), handlers);
  }

  #onFrame(frame, bytes, onFrame) {
    if (frame.op === "bye") {
      this.#bye = frame;
      if (this.#line.name === "webrtc") this.#lost(); // its session goes on without it
      return;
    }
    if (frame.op === "welcome") {
      this.#attempt = 0;
      this.problem = null;
    }
    onFrame(frame, bytes);
    if (frame.op === "welcome") this.#become("in");
  }

  #tick() {
    if (this.#line !== null && !this.client.tick(performance.now())) this.#broken();
  }

  /** The line says nothing any more, or what nobody can read. */
  #broken() {
    if (this.#line.name === "webrtc") this.#channels = null; // a WebSocket it is, for this session
    this.#lost();
  }

  #refused(error) {
    this.problem = error;
    if ([404, 405].includes(error.status) && error.code !== "channel-unknown") this.#become("absent");
    else if (error.status !== undefined && !error.passing) this.#become("away");
    else this.#later(error.retryAfterMs ?? 0);
  }

  /** The room's own goodbye says whether and when to come back. */
  #lost() {
    const bye = this.#bye;
    this.#drop({ again: bye !== null }); // a data channel takes another hello then
    if (bye === null) return this.#later(0);
    this.problem = { title: bye.detail, bye: bye.code };
    if (bye.retry_ms > 0) return this.#later(bye.retry_ms);
    this.client.giveUp();
    this.#become("away");
  }

  #later(floorMs) {
    this.#attempt += 1;
    this.#become("waiting");
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#connect(), backoffMs(this.#attempt, floorMs));
  }

  #drop(options) {
    clearTimeout(this.#retry);
    this.#turn += 1;
    this.client.disconnect();
    this.#line?.close(options);
    this.#line = null;
    this.#bye = null;
  }

  #become(status) {
    if (status === this.status) return;
    this.status = status;
    this.dispatchEvent(new Event("status"));
  }
}

function socketUrl(url) {
  const address = new URL(url, location.href);
  address.protocol = address.protocol.replace(/^http/, "ws");
  return address.href;
}

function makeId() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(36).padStart(2, "0")).join("");
}
