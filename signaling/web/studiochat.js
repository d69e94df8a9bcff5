// The studio's chat: what viewers say, what they give, and the goal that they give for. The stream
// key opens it, so that the streamer is the room's owner.

import { ChatPanel } from "./chatpanel.js";
import { alertWords } from "./chatwords.js";
import { make, put } from "./elements.js";
import { exponentOf, parseAmount, shareOfGoal, shownAmount } from "./money.js";
import { ProblemError } from "./problem.js";
import { Till } from "./till.js";

const MOST_ALERTS = 8;

export class StudioChat {
  #at = (id) => document.getElementById(id);
  #clock;
  #panel = null;
  #till = null;
  #channel = null;
  #currency = "EUR";

  constructor(clock) {
    this.#clock = clock;
    this.#at("goalform").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#setGoal();
    });
  }

  /** The room of this channel; a second call for the same one changes nothing. */
  open(channel, key) {
    if (this.#channel === channel) return;
    this.#panel?.close();
    this.#channel = channel;
    this.#till = new Till(channel, () => key);
    // Streamers see at once what is said: their own camera is ahead of every viewer.
    this.#panel = new ChatPanel(this.#at("chat"), {
      channel,
      pass: () => key,
      clock: this.#clock,
      position: () => null,
      storage: sessionStorage, // a name that this browser took on the watch page stays there
    });
    this.#panel.addEventListener("alert", ({ detail }) => this.#onAlert(detail));
    this.#panel.addEventListener("status", () => this.#showGoal());
    this.#panel.open();
    this.#showMoney();
  }

  async #showMoney() {
    const till = this.#till;
    this.#at("support").hidden = true;
    try {
      const { provider, currencies } = await till.offers();
      if (till !== this.#till || provider === "none" || currencies.length === 0) return;
      this.#currency = currencies[0].currency;
      const goal = await till.goal();
      if (goal) this.#fillGoal(goal);
      this.#at("support").hidden = false;
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      // A server without money: then there is nothing to show.
    }
  }

  #onAlert(entry) {
    const words = entry.text ? `${alertWords(entry)}: ${entry.text}` : alertWords(entry);
    const list = this.#at("alerts");
    list.prepend(make("li", {}, words));
    while (list.children.length > MOST_ALERTS) list.lastChild.remove();
    this.#at("noalerts").hidden = true;
    this.#showGoal();
  }

  /** As the room has it: the ledger's word, in the order of the room. */
  #showGoal() {
    const goal = this.#panel.room.goal;
    if (goal) this.#fillGoal(goal, { fields: false });
  }

  #fillGoal({ title, currency, target, reached }, { fields = true } = {}) {
    this.#currency = currency;
    put(this.#at("goalwords"), `${shownAmount(reached, currency)} of ${shownAmount(target, currency)}`);
    this.#at("goalbar").value = shareOfGoal(reached, target);
    this.#at("goalbar").hidden = false;
    if (!fields) return;
    this.#at("goaltitle").value = title;
    this.#at("goaltarget").value = String(target / 10 ** exponentOf(currency));
  }

  async #setGoal() {
    const target = parseAmount(this.#at("goaltarget").value, this.#currency);
    if (target === null) return put(this.#at("goalstatus"), "The amount cannot be read.");
    const wish = { title: this.#at("goaltitle").value.trim(), currency: this.#currency, target, restart: this.#at("goalrestart").checked };
    try {
      const { goal } = await this.#till.setGoal(wish);
      this.#fillGoal(goal);
      this.#at("goalrestart").checked = false;
      put(this.#at("goalstatus"), "Viewers see it now.");
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      put(this.#at("goalstatus"), [error.title, error.detail].filter(Boolean).join(": "));
    }
  }
}
