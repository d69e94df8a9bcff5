// A clip that is being made: asked for once, then looked at each second until it is there.

import { bearer, getJson, ProblemError } from "./problem.js";

const LOOK_MS = 1000;
/** Answers that failed in a row before it is given up. */
const MOST_FAILURES = 5;

/** `token`: a viewer token, or null. */
export class ClipWork {
  #token;
  #wait;

  /** `wait(ms)` resolves after that; given by tests. */
  constructor(token, wait = (ms) => new Promise((go) => setTimeout(go, ms))) {
    this.#token = token;
    this.#wait = wait;
  }

  /** Of a recording, {from_ms, to_ms, title}. Throws ProblemError. */
  ofVod(vod, wish) {
    return this.#post(`/api/vods/${encodeURIComponent(vod)}/clips`, wish);
  }

  /** Of what is live, {seconds, until_ms?, title}. Throws ProblemError. */
  ofLive(channel, wish) {
    return this.#post(`/api/channels/${encodeURIComponent(channel)}/clips`, wish);
  }

  /** Throws ProblemError. */
  get(clip) {
    return getJson(`/api/clips/${encodeURIComponent(clip)}`, { headers: bearer(this.#token) });
  }

  /**
   * Until it is ready, or has failed, or `signal` ends the waiting. Throws ProblemError when the
   * server says nothing of it any more.
   *
   * @param {object} clip as the server told it
   * @param {(clip: object) => void} onClip hears each answer
   * @returns {Promise<object>} the clip as it was told last
   */
  async follow(clip, onClip, signal) {
    let failures = 0;
    let told = clip;
    while (told.state === "making" && !signal?.aborted) {
      await this.#wait(LOOK_MS);
      if (signal?.aborted) break;
      try {
        told = await this.get(clip.id);
        failures = 0;
        onClip(told);
      } catch (error) {
        failures += 1;
        if (!(error instanceof ProblemError) || !error.passing || failures >= MOST_FAILURES) throw error;
      }
    }
    return told;
  }

  #post(path, wish) {
    const headers = { "Content-Type": "application/json", ...bearer(this.#token) };
    return getJson(path, { method: "POST", headers, body: JSON.stringify(wish), timeoutMs: 20_000 });
  }
}
