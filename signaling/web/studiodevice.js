// The studio's panel of the device that publishes: how it fares, and what it is advised to do. The
// stream key opens it: viewers never see any of this.

import { adviceNews, adviceWords, ageWords, deviceRows } from "./devicewords.js";
import { make, put } from "./elements.js";
import { bearer, getJson, ProblemError } from "./problem.js";

/** How often it is asked: while a device reports, and while none does. */
const LOOK_MS = 2000;
const QUIET_MS = 6000;

export class StudioDevice {
  #at = (id) => document.getElementById(id);
  #channel = "";
  #key = "";
  #timer = null;
  #advice = null;
  #asked = 0;

  /** Whose device it is: this browser's, or a phone's somewhere else. */
  own = false;

  /** Watch the device of this channel from now on. */
  watch(channel, key) {
    if (this.#channel === channel && this.#key === key) return;
    this.#channel = channel;
    this.#key = key;
    this.#show({ signals: null, age_ms: null, advice: null });
    this.look();
  }

  /** Ask now; a wrong key is asked with once only. */
  async look() {
    clearTimeout(this.#timer);
    if (!this.#channel || !this.#key) return;
    const asked = (this.#asked += 1);
    let wait = QUIET_MS;
    try {
      const told = await getJson(`/api/channels/${encodeURIComponent(this.#channel)}/device`, {
        headers: bearer(this.#key),
      });
      if (asked !== this.#asked) return; // asked again meanwhile
      this.#show(told);
      if (told.signals) wait = LOOK_MS;
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      if (asked !== this.#asked || !error.passing) return;
    }
    this.#timer = setTimeout(() => this.look(), wait);
  }

  #show({ signals, age_ms: ageMs, advice }) {
    this.#at("device").hidden = signals === null;
    // Outside of what is hidden, or a screen reader would not hear the first warning.
    const news = adviceNews(this.#advice, advice);
    if (news) put(this.#at("devicenews"), news);
    this.#advice = advice;
    if (signals === null) return;
    put(this.#at("devicetitle"), this.own ? "This device" : "Phone");
    put(this.#at("deviceage"), ageWords(ageMs));
    this.#at("device").dataset.level = advice.level;
    put(this.#at("deviceadvice"), adviceWords(advice));
    this.#at("deviceadvice").hidden = adviceWords(advice) === "";
    this.#at("devicefigures").replaceChildren(...deviceRows(signals).map(row));
  }
}

function row([what, short, more]) {
  const small = more && short ? make("small", { class: "quiet" }, more) : null;
  return make("div", {}, make("dt", { class: "label" }, what), make("dd", {}, short || more, small));
}
