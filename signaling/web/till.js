// A channel's money as the server offers it: what can be paid, orders, and whether they are paid.
// Only what the provider tells the server counts; a page asks, and believes the answer.

import { bearer, getJson, request } from "./problem.js";

const POLL_MS = 1000;
const PATIENCE_MS = 120_000;
/** The checkout of the pretend provider, for demos: on this server, and paid by asking for it. */
const PRETEND = /^\/fake-pay\//;

export class Till {
  #base;
  #pass;

  /** `pass()`: a viewer token or the stream key, or null. */
  constructor(channel, pass) {
    this.#base = `/api/channels/${encodeURIComponent(channel)}`;
    this.#pass = pass;
  }

  /** {provider, currencies: [{currency, exponent, least, most}], subscriptions: [{currency, amount}]} */
  offers() {
    return this.#get("money");
  }

  /** [{currency, donors: [{place, name, shown}]}] */
  async boards(limit) {
    return (await this.#get(`leaderboard?limit=${limit}`)).boards;
  }

  /** {title, currency, target, reached} or null. */
  async goal() {
    return (await this.#get("goal")).goal;
  }

  /** Needs the stream key. */
  setGoal(goal) {
    return this.#send("PUT", "goal", goal, {});
  }

  /** An order: the same one under the same key, however often it is asked for. */
  donate(wish, key) {
    return this.#send("POST", "donations", wish, { "Idempotency-Key": key });
  }

  subscribe(wish, key) {
    return this.#send("POST", "subscriptions", wish, { "Idempotency-Key": key });
  }

  /**
   * To the checkout of an order. True when it is paid for already, which only a pretend one is.
   *
   * @param {(address: string) => void} open shows a page of the provider's
   */
  async pay({ checkout }, open) {
    const address = new URL(checkout, location.href);
    if (address.origin !== location.origin || !PRETEND.test(address.pathname)) {
      if (address.protocol === "https:") open(address.href);
      return false;
    }
    await request(address.href, { method: "POST" });
    return true;
  }

  /** Wait until a donation is paid; false when it took too long, or `signal` ended the waiting. */
  async paid({ id }, signal) {
    const until = performance.now() + PATIENCE_MS;
    while (performance.now() < until && !signal.aborted) {
      const { state } = await getJson(`/api/donations/${encodeURIComponent(id)}`);
      if (state !== "open") return true;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return false;
  }

  #get(path) {
    return getJson(`${this.#base}/${path}`, { headers: bearer(this.#pass()), timeoutMs: 5000 });
  }

  #send(method, path, body, more) {
    const headers = { "Content-Type": "application/json", ...more, ...bearer(this.#pass()) };
    return getJson(`${this.#base}/${path}`, { method, headers, body: JSON.stringify(body), timeoutMs: 20_000 });
  }
}
