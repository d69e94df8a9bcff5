// A WHEP viewer session (draft-ietf-wish-whep): receives one channel over one connection.

import { openChatChannels } from "./chatchannel.js";
import { askIceServers, ResourcePeer } from "./peer.js";
import { withStereo } from "./sdp.js";

/**
 * The receivers' jitter buffer target in ms. 0 asks the browser for the smallest buffer that the
 * measured network jitter allows; it still grows it by itself when packets come unevenly. A
 * live picture wants to be early rather than perfectly even.
 */
const JITTER_BUFFER_TARGET_MS = 0;

const ECHO_TIMEOUT_MS = 5000;

const EVENTS_EXTENSION = "urn:ietf:params:whep:ext:core:server-sent-events";
const LAYER_EXTENSION = "urn:ietf:params:whep:ext:core:layer";

/** The ICE servers to begin the first session with. */
export function whepIceServers(channel, token) {
  return askIceServers(endpointOf(channel), token);
}

/** One session. Handlers as in ResourcePeer, and `onStream(stream)`. */
export class WhepSession {
  #peer;
  #echo;
  #echoWaiting = [];

  constructor({ channel, token, knownIceServers, handlers }) {
    this.stream = new MediaStream();
    this.#peer = new ResourcePeer({
      endpoint: endpointOf(channel),
      token,
      knownIceServers,
      handlers,
    });
    const { pc } = this.#peer;
    for (const kind of ["video", "audio"]) {
      const { receiver } = pc.addTransceiver(kind, { direction: "recvonly" });
      preferLowLatency(receiver);
      this.stream.addTrack(receiver.track);
    }
    this.#echo = pc.createDataChannel("echo");
    this.#echo.addEventListener("message", (event) => this.#onEcho(event.data));
    this.chatChannels = openChatChannels(pc);
  }

  /** Whether the element shows this session: a track without packets is muted and shown black. */
  owns(video) {
    return video.srcObject === this.stream && !this.videoTrack.muted;
  }

  get pc() {
    return this.#peer.pc;
  }

  get videoTrack() {
    return this.stream.getVideoTracks()[0];
  }

  get postedAt() {
    return this.#peer.postedAt;
  }

  get iceServers() {
    return this.#peer.iceServers;
  }

  open() {
    return this.#peer.open(withStereo);
  }

  repair() {
    this.#peer.repair();
  }

  /** The address of a stream with these events of the session. Throws ProblemError. */
  async subscribe(names) {
    const response = await this.#peer.ask(EVENTS_EXTENSION, names);
    return new URL(response.headers.get("location"), response.url).href;
  }

  /** Ask for a layer by its rid; null leaves the choice to the server. Throws ProblemError. */
  async chooseLayer(rid) {
    await this.#peer.ask(LAYER_EXTENSION, rid === null ? {} : { rid });
  }

  close(options) {
    this.#peer.close(options);
  }

  /** Send a text on the `echo` channel; resolves with what came back. */
  echo(text) {
    if (this.#echo.readyState !== "open") {
      return Promise.reject(new Error("the data channel is not open"));
    }
    return new Promise((resolve, reject) => {
      const entry = { text, resolve };
      this.#echoWaiting.push(entry);
      this.#echo.send(text);
      setTimeout(() => {
        const at = this.#echoWaiting.indexOf(entry);
        if (at < 0) return;
        this.#echoWaiting.splice(at, 1);
        reject(new Error("no echo came back in time"));
      }, ECHO_TIMEOUT_MS);
    });
  }

  #onEcho(text) {
    const at = this.#echoWaiting.findIndex((entry) => entry.text === text);
    if (at >= 0) this.#echoWaiting.splice(at, 1)[0].resolve(text);
  }
}

function endpointOf(channel) {
  return new URL(`/whep/${encodeURIComponent(channel)}`, window.location.origin).href;
}

function preferLowLatency(receiver) {
  if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = JITTER_BUFFER_TARGET_MS;
  if ("playoutDelayHint" in receiver) receiver.playoutDelayHint = JITTER_BUFFER_TARGET_MS / 1000;
}
