// Who this browser is in a room: somebody whom an app signed a token for, a guest who chose a name
// here, or a reader. The token is kept per channel and shown to the server for each ticket.

import { bearer, getJson } from "./problem.js";

const KEY = "sluice.chat.user.";

export class ChatIdentity {
  #base;
  #memory;
  #pass;
  #storage;

  /**
   * @param {string} channel
   * @param {() => string|null} pass a viewer token, or the streamer's own key
   * @param {Storage} storage where the user's token is kept
   */
  constructor(channel, pass, storage = localStorage) {
    this.#base = `/api/channels/${encodeURIComponent(channel)}/chat/`;
    this.#memory = KEY + channel;
    this.#pass = pass;
    this.#storage = storage;
  }

  get token() {
    return this.#storage.getItem(this.#memory);
  }

  /** From now on as the one this token names; null: as a reader. */
  use(token) {
    if (token) this.#storage.setItem(this.#memory, token);
    else this.#storage.removeItem(this.#memory);
  }

  /** {ticket, url} for one line. Throws ProblemError. A token that ended is forgotten. */
  async ticket() {
    const user = this.token;
    try {
      return await this.#post("ticket", user ? { user } : {});
    } catch (error) {
      if (user === null || ![401, 403, 422].includes(error.status)) throw error;
      const ticket = await this.#post("ticket", {});
      this.use(null); // only now is it known that the token was at fault
      return ticket;
    }
  }

  /** Take a name as a guest. Throws ProblemError. */
  async becomeGuest(name) {
    const { user } = await this.#post("guest", { name });
    this.use(user);
  }

  #post(path, body) {
    const headers = { "Content-Type": "application/json", ...bearer(this.#pass()) };
    return getJson(this.#base + path, { method: "POST", headers, body: JSON.stringify(body), timeoutMs: 8000 });
  }
}
