// One RTCPeerConnection bound to one WHIP or WHEP resource on the server: offer by POST,
// candidates and ICE restarts by PATCH, goodbye by DELETE (RFC 9725, draft-ietf-wish-whep).

import { iceServers, parseLinks } from "./links.js";
import { bearer, ProblemError, request } from "./problem.js";
import { restartedAnswer, trickleFragment } from "./sdp.js";

const FRAGMENT_TYPE = "application/trickle-ice-sdpfrag";
/** Candidates come in bursts; one PATCH takes a whole burst. */
const TRICKLE_DELAY_MS = 60;
/** `disconnected` often heals by itself; after this long we restart ICE. */
const PATIENCE_MS = 800;
/** With TURN servers in hand, a first connection that takes longer is tried again through them. */
const DIRECT_TRY_MS = 2500;
/** A connection, first or restarted, that is not up by then is given up. */
const CONNECT_LIMIT_MS = 8000;

/**
 * The ICE servers that an endpoint names before there is a session (RFC 9725 section 4.6), so that
 * the first attempt can use them already. None when the server keeps them for its answer.
 */
export async function askIceServers(endpoint, token) {
  try {
    const response = await request(endpoint, { method: "OPTIONS", headers: bearer(token) });
    return iceServers(response.headers.get("link"));
  } catch {
    return []; // whatever is wrong, the offer will tell it to the viewer
  }
}

/**
 * Handlers: `onConnected()` the path works (again); `onInterrupted()` it broke and is being
 * repaired; `onLost(gone)` it is over and only a new session helps, `gone` when the server does
 * not know the session any more.
 */
export class ResourcePeer {
  #endpoint;
  #token;
  #handlers;
  #resource = null;
  #etag = null;
  #answer = "";
  #links = [];
  #queue = [];
  #gathered = false;
  #trickles = true;
  #trickleTimer = null;
  #patienceTimer = null;
  #limitTimer = null;
  #restarting = false;
  #over = false;
  #onOnline = () => this.#repairSoon(0);

  /** When the POST left, on performance.now()'s clock; null before. */
  postedAt = null;
  /** Where the server's ICE servers stay, for the next session to start with. */
  iceServers = [];

  constructor({ endpoint, token, knownIceServers = [], handlers }) {
    this.#endpoint = endpoint;
    this.#token = token;
    this.#handlers = handlers;
    this.pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    this.#useIceServers(knownIceServers);
    this.pc.addEventListener("icecandidate", (event) => this.#onCandidate(event.candidate));
    this.pc.addEventListener("iceconnectionstatechange", () => this.#onIceState());
    this.pc.addEventListener("connectionstatechange", () => this.#onConnectionState());
    window.addEventListener("online", this.#onOnline);
  }

  /**
   * Negotiate. The offer leaves at once with whatever candidates there are; the rest trickles.
   * Throws ProblemError when the server refuses, or Error when the browser cannot.
   *
   * @param {(sdp: string) => string} editOffer a last change to the offer
   */
  async open(editOffer = (sdp) => sdp) {
    const offer = await this.pc.createOffer();
    await this.pc.setLocalDescription({ type: "offer", sdp: editOffer(offer.sdp) });
    this.postedAt = performance.now();
    const response = await request(this.#endpoint, {
      method: "POST",
      headers: { "Content-Type": "application/sdp", ...bearer(this.#token) },
      body: this.pc.localDescription.sdp,
    });
    const location = response.headers.get("location");
    if (response.status !== 201 || !location) {
      throw new ProblemError({
        status: 502,
        title: "The server's answer is no WebRTC session",
        detail: location ? `status ${response.status} in place of 201` : "Location is missing",
      });
    }
    this.#resource = new URL(location, response.url || this.#endpoint);
    this.#etag = response.headers.get("etag");
    this.#links = parseLinks(response.headers.get("link"));
    this.#useIceServers(iceServers(response.headers.get("link")));
    this.#answer = await response.text();
    if (this.#over) return void this.#deleteResource(false); // closed while the POST was out
    await this.pc.setRemoteDescription({ type: "answer", sdp: this.#answer });
    this.#heedGoodbye();
    this.#flushSoon();
    this.#limitConnecting();
    if (this.iceServers.length > 0) this.#repairSoon(DIRECT_TRY_MS);
  }

  /**
   * POST JSON to an extension that the server announced for this session (a Link of the 201).
   * Throws ProblemError, with status 404 when there is no such extension.
   */
  async ask(relation, body) {
    const link = this.#links.find(({ params }) => params.rel === relation);
    if (!link || !this.#resource) {
      throw new ProblemError({ status: 404, title: "The session has no such extension" });
    }
    const headers = { "Content-Type": "application/json", ...bearer(this.#token) };
    const url = new URL(link.target, this.#resource);
    return request(url, { method: "POST", headers, body: JSON.stringify(body), timeoutMs: 5000 });
  }

  /** Ask the server whether it still knows this session; `onLost` follows when it does not. */
  async verify() {
    if (!this.#resource || !this.#etag || this.#restarting || this.#over) return;
    try {
      await this.#patch(this.#etag, trickleFragment(this.pc.localDescription.sdp, [], false));
    } catch (error) {
      if (error.status === 404 || error.status === 410) this.#lose(true);
    }
  }

  /**
   * Nothing arrives though it should: find another path now, as browsers wait for many seconds.
   * One that is still looked for has a limit of its own, and would be disturbed.
   */
  repair() {
    if (this.#resource && this.pc.connectionState !== "connecting") this.#restart();
  }

  /**
   * End the session here and on the server. `leaving`: the page goes away, outlive it. `gone`: the
   * server said that it has ended it.
   */
  close({ leaving = false, gone = false } = {}) {
    if (this.#over) return;
    this.#teardown();
    if (!gone) this.#deleteResource(leaving);
  }

  #teardown() {
    this.#over = true;
    clearTimeout(this.#trickleTimer);
    clearTimeout(this.#patienceTimer);
    clearTimeout(this.#limitTimer);
    window.removeEventListener("online", this.#onOnline);
    this.pc.close();
  }

  /** `gone`: the server has forgotten the session, so there is nothing to DELETE. */
  #lose(gone) {
    if (this.#over) return;
    this.#teardown();
    if (!gone) this.#deleteResource(false);
    this.#handlers.onLost(gone);
  }

  #deleteResource(keepalive) {
    if (!this.#resource) return;
    const url = this.#resource;
    this.#resource = null;
    // Nobody waits for the outcome: a session that this misses ends by its consent timeout.
    request(url, { method: "DELETE", headers: bearer(this.#token), keepalive }).catch(() => {});
  }

  // --- the path

  #onIceState() {
    const state = this.pc.iceConnectionState;
    if (state === "connected" || state === "completed") {
      clearTimeout(this.#patienceTimer);
      clearTimeout(this.#limitTimer);
      if (this.pc.connectionState === "connected") this.#handlers.onConnected();
    } else if (state === "disconnected") {
      this.#handlers.onInterrupted();
      this.#repairSoon(PATIENCE_MS);
    } else if (state === "failed") {
      this.#handlers.onInterrupted();
      this.#repairSoon(0);
    }
  }

  /** A server that ends a session closes DTLS; the connection state shows it seconds later. */
  #heedGoodbye() {
    const ends = [...this.pc.getSenders(), ...this.pc.getReceivers()];
    const transport = ends.map((end) => end.transport).find(Boolean);
    transport?.addEventListener("statechange", () => {
      if (transport.state === "closed") this.#lose(true);
    });
  }

  #onConnectionState() {
    const { connectionState, iceConnectionState } = this.pc;
    if (connectionState === "connected") this.#handlers.onConnected();
    // ICE stands but DTLS failed or was closed by the server: no restart mends that.
    const iceUp = iceConnectionState === "connected" || iceConnectionState === "completed";
    if (connectionState === "closed") this.#lose(true);
    if (connectionState === "failed" && iceUp) this.#lose(false);
  }

  #repairSoon(delay) {
    clearTimeout(this.#patienceTimer);
    this.#patienceTimer = setTimeout(() => {
      const up = ["connected", "completed"].includes(this.pc.iceConnectionState);
      if (!up && this.#resource) this.#restart();
    }, delay);
  }

  /** ICE restart by PATCH; whatever goes wrong with it ends in a new session. */
  async #restart() {
    if (this.#restarting || this.#over) return;
    this.#restarting = true;
    try {
      this.#queue = [];
      this.#gathered = false;
      const offer = await this.pc.createOffer({ iceRestart: true });
      await this.pc.setLocalDescription(offer);
      const response = await this.#patch('"*"', trickleFragment(offer.sdp, [], false));
      if (response.status !== 200) throw new ProblemError({ title: "ICE restart not supported" });
      this.#etag = response.headers.get("etag") ?? this.#etag;
      this.#answer = restartedAnswer(this.#answer, await response.text());
      await this.pc.setRemoteDescription({ type: "answer", sdp: this.#answer });
      this.#flushSoon();
      this.#limitConnecting();
    } catch (error) {
      this.#lose(error.status === 404 || error.status === 410);
    } finally {
      this.#restarting = false;
    }
  }

  #limitConnecting() {
    clearTimeout(this.#limitTimer);
    if (["connected", "completed"].includes(this.pc.iceConnectionState)) return;
    this.#limitTimer = setTimeout(() => this.#lose(false), CONNECT_LIMIT_MS);
  }

  #useIceServers(servers) {
    if (servers.length === 0) return;
    this.iceServers = servers;
    try {
      this.pc.setConfiguration({ ...this.pc.getConfiguration(), iceServers: servers });
    } catch {
      this.iceServers = []; // a server the browser does not take must not spoil later sessions
    }
  }

  // --- candidates

  #onCandidate(candidate) {
    if (candidate?.candidate) this.#queue.push(candidate.candidate);
    else this.#gathered = true;
    this.#flushSoon();
  }

  #flushSoon() {
    clearTimeout(this.#trickleTimer);
    this.#trickleTimer = setTimeout(() => this.#flush(), TRICKLE_DELAY_MS);
  }

  async #flush() {
    const ready = this.#resource && this.#etag && this.#trickles && !this.#restarting;
    if (!ready || this.#queue.length === 0 || this.#over) return;
    const body = trickleFragment(this.pc.localDescription.sdp, this.#queue.splice(0), this.#gathered);
    try {
      await this.#patch(this.#etag, body);
    } catch (error) {
      if (error.status === 404 || error.status === 410) this.#lose(true);
      // Servers without trickle say 405, 501 or 400: they learn our address from our checks.
      else if ([400, 405, 501].includes(error.status)) this.#trickles = false;
    }
  }

  #patch(ifMatch, body) {
    const headers = { "Content-Type": FRAGMENT_TYPE, "If-Match": ifMatch, ...bearer(this.#token) };
    return request(this.#resource, { method: "PATCH", headers, body, timeoutMs: 5000 });
  }
}
