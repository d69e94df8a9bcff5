// The studio's list of past broadcasts: links to them, what is still being made of them, and the way
// to delete one.

import { button, make, put } from "./elements.js";
import { channelLink, vodLink } from "./pagelinks.js";
import { bearer, getJson, ProblemError, request } from "./problem.js";
import { agoText, dateText, jobWords, sizeText, timeText } from "./vodwords.js";

const PAGE = 5;
/** How often it is looked how far the jobs are. */
const LOOK_MS = 4000;
/** After a broadcast the first things take a moment. */
const AFTER_MS = 2500;
const OPEN_JOBS = ["waiting", "running"];

export class StudioVods {
  #at = (id) => document.getElementById(id);
  #channel = null;
  #key = null;
  #next = null;
  #rows = new Map(); // id -> {row, facts, jobs, open}
  #timer = null;
  #doomed = null;
  #question = make("p", {});
  #keeping = make("p", { class: "quiet", hidden: true });
  #clips = make("input", { type: "checkbox" });
  #dialog = make("dialog", { class: "sheet", "aria-labelledby": "deletetitle" },
    make("h2", { id: "deletetitle" }, "Delete this recording?"),
    this.#question,
    make("label", { class: "check" }, this.#clips, make("span", {}, "Its clips as well")),
    make("div", { class: "deeds" },
      button("Keep it", () => this.#dialog.close(), { class: "button" }),
      button("Delete for ever", () => this.#delete(), { class: "button danger" })));

  constructor() {
    document.body.append(this.#dialog);
    this.#at("vodlist").before(this.#keeping);
    this.#at("vodsmore").addEventListener("click", () => this.#load(this.#next));
    setInterval(() => this.#look(), LOOK_MS);
  }

  /** The recordings of this channel; a second call with the same key changes nothing. */
  open(channel, key) {
    if (!channel || !key || (channel === this.#channel && key === this.#key)) return;
    this.#channel = channel;
    this.#key = key;
    this.#at("vodschannel").href = channelLink(channel);
    this.refresh();
  }

  /** Something began or ended. */
  refreshSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.refresh(), AFTER_MS);
  }

  refresh() {
    if (this.#channel === null) return;
    this.#load(null);
    this.#showKeeping();
  }

  /** How long they are kept, and how full it is. */
  async #showKeeping() {
    const channel = this.#channel;
    try {
      const keeping = await getJson(`/api/channels/${encodeURIComponent(channel)}/keeping`, this.#auth);
      if (channel !== this.#channel) return;
      put(this.#keeping, keepingText(keeping));
      this.#keeping.hidden = false;
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      this.#keeping.hidden = true; // the list says what is wrong
    }
  }

  get #auth() {
    return { headers: bearer(this.#key) };
  }

  async #load(before) {
    const query = new URLSearchParams({ limit: PAGE, ...(before === null ? {} : { before }) });
    const channel = this.#channel;
    try {
      const { items, next } = await getJson(`/api/channels/${encodeURIComponent(channel)}/vods?${query}`, this.#auth);
      if (channel !== this.#channel) return;
      if (before === null) this.#clear();
      this.#next = next;
      for (const vod of items) this.#add(vod);
      this.#at("vods").hidden = false;
      this.#at("vodsmore").hidden = next === null;
      put(this.#at("vodsstatus"), this.#rows.size === 0 ? "What you broadcast is listed here afterwards." : "");
      this.#look(items.map(({ id }) => id));
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      // A key that is not typed to its end, or a server that records nothing.
      if (before === null && [401, 403, 404].includes(error.status)) this.#at("vods").hidden = true;
      else put(this.#at("vodsstatus"), `${error.title}. ${error.advice}`);
    }
  }

  #clear() {
    this.#rows.clear();
    this.#at("vodlist").replaceChildren();
  }

  #add(vod) {
    if (this.#rows.has(vod.id)) return;
    const name = vod.title || vod.channel;
    const image = vod.poster ? make("img", { src: vod.poster, alt: "", loading: "lazy" }) : null;
    image?.addEventListener("error", () => image.remove());
    const facts = make("span", { class: "quiet" }, factsOf(vod));
    const jobs = make("ul", { class: "jobs" });
    const remove = button(`Delete ${name} of ${dateText(vod.began_ms, Date.now())}`, () => this.#ask(vod),
      { icon: "vodicons#trash", class: "icon" });
    // What still runs cannot be deleted.
    const row = make("li", {},
      make("span", { class: "still" }, image),
      make("div", {}, make("a", { href: vodLink(vod.id), target: "_blank", rel: "noopener" }, name), facts, jobs),
      vod.state === "recording" ? null : remove);
    this.#rows.set(vod.id, { vod, row, facts, jobs, open: vod.state !== "recording" });
    this.#at("vodlist").append(row);
  }

  /** How far the jobs of these recordings are; without a list, of those that have some. */
  async #look(ids = null) {
    if (document.hidden && ids === null) return;
    const wanted = ids ?? [...this.#rows].filter(([, { open }]) => open).map(([id]) => id);
    for (const id of wanted) {
      const known = this.#rows.get(id);
      if (!known?.open) continue;
      try {
        const details = await getJson(`/api/vods/${encodeURIComponent(id)}`, this.#auth);
        this.#showJobs(known, details);
      } catch (error) {
        if (!(error instanceof ProblemError)) throw error;
        if (error.status === 404) this.#drop(id);
      }
    }
  }

  #showJobs(known, { vod, size_bytes: bytes, keep_until_ms: untilMs, jobs }) {
    const facts = [factsOf(vod), sizeText(bytes)];
    if (Number.isFinite(untilMs)) facts.push(`kept until ${dateText(untilMs, Date.now())}`);
    put(known.facts, facts.join(" · "));
    known.open = jobs.some(({ state }) => OPEN_JOBS.includes(state));
    const told = jobs.filter(({ state }) => state !== "done");
    const rows = told.map((job) => {
      const line = make("li", { "data-state": job.state }, make("span", {}, jobWords(job)));
      if (job.state === "running") line.append(make("progress", { max: "1", value: String(job.progress), "aria-label": jobWords(job) }));
      return line;
    });
    known.jobs.replaceChildren(...rows);
  }

  // --- deleting

  #ask(vod) {
    this.#doomed = vod;
    const length = timeText(vod.duration_ms);
    put(this.#question, `“${vod.title || vod.channel}” of ${dateText(vod.began_ms, Date.now())}, ${length}. The video, its captions and its chat are gone then, and nobody can bring them back.`);
    this.#clips.checked = false;
    this.#dialog.showModal();
  }

  async #delete() {
    const { id } = this.#doomed;
    const query = this.#clips.checked ? "?clips=true" : "";
    this.#dialog.close();
    try {
      await request(`/api/vods/${encodeURIComponent(id)}${query}`, { method: "DELETE", ...this.#auth, timeoutMs: 30_000 });
      this.#drop(id);
      put(this.#at("vodsstatus"), "The recording was deleted.");
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      put(this.#at("vodsstatus"), [error.title, error.detail].filter(Boolean).join(": "));
    }
  }

  #drop(id) {
    this.#rows.get(id)?.row.remove();
    this.#rows.delete(id);
  }
}

function keepingText({ keep_days: days, quota_gb: quota, used_bytes: used, level }) {
  const time = days === 0 ? "Kept for ever" : `Kept for ${days} day${days === 1 ? "" : "s"}`;
  const room = quota === 0 ? sizeText(used) : `${sizeText(used)} of ${quota} GB`;
  const full = { near: "nearly full: the oldest go first", over: "full" }[level];
  return [time, room, full].filter(Boolean).join(" · ");
}

function factsOf(vod) {
  if (vod.state === "recording") return "being recorded now";
  const facts = [dateText(vod.began_ms, Date.now()), agoText(vod.began_ms, Date.now()), timeText(vod.duration_ms)];
  return [...facts, vod.trouble].filter(Boolean).join(" · ");
}
