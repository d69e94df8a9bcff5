// The dialog to support a channel: an amount once, with a word to it, or a subscription.

import { make, put } from "./elements.js";
import { offeredAmounts, parseAmount, shownAmount } from "./money.js";
import { ProblemError } from "./problem.js";
import { Till } from "./till.js";

const BOARD = 5;
const LATER = "Nothing has arrived yet. It shows in the chat as soon as it is paid.";

export class DonateDialog {
  #till;
  #identity;
  #seen;
  #offers = { provider: "none", currencies: [], subscriptions: [] };
  #key = null; // one for each wish: whoever presses twice pays once
  #waiting = new AbortController();
  #once = make("input", { type: "radio", name: "way", value: "once", checked: true });
  #monthly = make("input", { type: "radio", name: "way", value: "month" });
  #ways = make("div", { class: "choice two", role: "radiogroup", "aria-label": "How often" },
    make("label", {}, this.#once, make("span", {}, "Once")), make("label", {}, this.#monthly, make("span", {}, "Each month")));
  #currency = make("select", { "aria-label": "Currency", on: { change: () => this.#fillAmounts() } });
  #amounts = make("div", { class: "amounts", role: "radiogroup", "aria-label": "Amount" });
  #other = make("input", { type: "text", inputmode: "decimal", autocomplete: "off", placeholder: "Other", "aria-label": "Other amount" });
  #name = make("input", { type: "text", maxlength: "40", autocomplete: "nickname" });
  #text = make("textarea", { rows: "2", maxlength: "300" });
  #anonymous = make("input", { type: "checkbox" });
  #nameBox = make("label", {}, "Your name; leave it empty to stay unnamed", this.#name);
  #anonymousBox = make("label", { class: "check" }, this.#anonymous, make("span", {}, "Do not show my name"));
  #textBox = make("label", {}, "A word to it", this.#text);
  #pay = make("button", { type: "submit", class: "button primary big" });
  #status = make("p", { class: "status", role: "status" });
  #board = make("ol", { class: "board" });
  #boardBox = make("section", { "aria-label": "Most generous", hidden: true }, make("h3", {}, "Most generous"), this.#board);
  #dialog = make("dialog", { class: "sheet", "aria-labelledby": "donatetitle", on: { close: () => this.#waiting.abort() } },
    make("h2", { id: "donatetitle" }, "Support the channel"),
    make("form", { class: "donate", on: { submit: (event) => this.#onPay(event), input: () => this.#onInput() } },
      this.#ways, this.#currency, this.#amounts, this.#nameBox, this.#anonymousBox, this.#textBox, this.#pay, this.#status),
    this.#boardBox,
    make("form", { method: "dialog" }, make("button", { class: "button", type: "submit" }, "Close")),
  );

  /**
   * @param {object} options
   * @param {string} options.channel
   * @param {string|null} options.token a viewer token
   * @param {() => string|null} options.identity the viewer's user token, if they have one
   * @param {() => number|null} options.seen the moment on the viewer's screen
   */
  constructor({ channel, token, identity, seen }) {
    this.#till = new Till(channel, () => token);
    this.#identity = identity;
    this.#seen = seen;
    this.#other.addEventListener("focus", () => this.#chooseOther());
    document.body.append(this.#dialog);
  }

  /** Whether this server takes money for the channel. */
  async isThere() {
    try {
      this.#offers = await this.#till.offers();
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      return false;
    }
    return this.#offers.provider !== "none" && this.#offers.currencies.length > 0;
  }

  /** `room`: {you, goal}, whose name and currency are taken up. */
  open({ you, goal }) {
    const { currencies, subscriptions } = this.#offers;
    const codes = currencies.map(({ currency }) => currency);
    const mayMonthly = subscriptions.length > 0 && this.#identity() !== null && !you.id?.startsWith("guest:");
    this.#once.checked = true;
    this.#ways.hidden = !mayMonthly;
    this.#currency.replaceChildren(...codes.map((code) => make("option", { value: code }, code)));
    this.#currency.value = codes.includes(goal?.currency) ? goal.currency : codes[0];
    this.#currency.hidden = codes.length < 2;
    put(this.#status, "");
    this.#fillAmounts();
    this.#fillBoard().catch(() => (this.#boardBox.hidden = true)); // the board is no reason to give nothing
    this.#dialog.showModal();
  }

  /** The order that the form describes; null where it lacks something. */
  get #wish() {
    const currency = this.#currency.value;
    const user = this.#identity();
    if (this.#monthly.checked) return this.#price === null ? null : { user, currency };
    const amount = this.#amount;
    if (amount === null) return null;
    const wish = { amount, currency, text: this.#text.value.trim() };
    const seen = this.#seen();
    if (seen !== null) wish.seen = Math.max(0, Math.round(seen));
    return user === null ? { ...wish, name: this.#name.value.trim() } : { ...wish, user, anonymous: this.#anonymous.checked };
  }

  get #price() {
    return this.#offers.subscriptions.find(({ currency }) => currency === this.#currency.value)?.amount ?? null;
  }

  get #amount() {
    const chosen = this.#amounts.querySelector("input:checked")?.value ?? "other";
    const amount = chosen === "other" ? parseAmount(this.#other.value, this.#currency.value) : Number(chosen);
    const { least, most } = this.#offers.currencies.find(({ currency }) => currency === this.#currency.value);
    return amount !== null && amount >= least && amount <= most ? amount : null;
  }

  #fillAmounts() {
    const currency = this.#currency.value;
    const { least, most } = this.#offers.currencies.find((one) => one.currency === currency);
    const amounts = offeredAmounts(currency).filter((amount) => amount >= least && amount <= most);
    const tiles = amounts.map((minor, i) => {
      const input = make("input", { type: "radio", name: "amount", value: String(minor), checked: i === Math.min(1, amounts.length - 1) });
      return make("label", {}, input, make("span", {}, shownAmount(minor, currency)));
    });
    const other = make("input", { type: "radio", name: "amount", value: "other", "aria-label": "Another amount" });
    this.#amounts.replaceChildren(...tiles, make("div", { class: "other" }, other, this.#other));
    this.#onInput();
  }

  #chooseOther() {
    this.#amounts.querySelector("[value=other]").checked = true;
    this.#onInput();
  }

  #onInput() {
    this.#key = null; // another wish is another order
    const monthly = this.#monthly.checked;
    const named = this.#identity() !== null;
    this.#amounts.hidden = monthly;
    this.#nameBox.hidden = monthly || named;
    this.#anonymousBox.hidden = monthly || !named;
    this.#textBox.hidden = monthly;
    const amount = monthly ? this.#price : this.#amount;
    this.#pay.disabled = amount === null;
    const shown = amount === null ? "" : shownAmount(amount, this.#currency.value);
    put(this.#pay, shown === "" ? "Choose an amount" : monthly ? `Subscribe for ${shown} a month` : `Give ${shown}`);
  }

  async #onPay(event) {
    event.preventDefault();
    const wish = this.#wish;
    if (wish === null) return;
    this.#key ??= newKey();
    this.#waiting = new AbortController();
    this.#pay.disabled = true;
    put(this.#status, "One moment…");
    try {
      put(this.#status, (await this.#order(wish, this.#waiting.signal)) ? "Thank you! It shows in the chat in a moment." : LATER);
      this.#key = null;
      this.#text.value = "";
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      put(this.#status, [error.title, error.detail].filter(Boolean).join(": "));
    } finally {
      this.#pay.disabled = this.#wish === null;
    }
  }

  async #order(wish, signal) {
    const monthly = this.#monthly.checked;
    const order = await (monthly ? this.#till.subscribe(wish, this.#key) : this.#till.donate(wish, this.#key));
    const pretended = await this.#till.pay(order, (address) => window.open(address, "_blank", "noopener"));
    return pretended || (!monthly && (await this.#till.paid(order, signal)));
  }

  async #fillBoard() {
    const boards = await this.#till.boards(BOARD);
    const board = boards.find(({ currency }) => currency === this.#currency.value);
    const rows = (board?.donors ?? []).map(({ name, shown }) => make("li", {}, make("span", {}, name), make("b", {}, shown)));
    this.#board.replaceChildren(...rows);
    this.#boardBox.hidden = rows.length === 0;
  }
}

/** `randomUUID` is there on secure pages only. */
function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
