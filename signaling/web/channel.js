// A channel's page: whether it is live, what was broadcast before, and clips of it.

import { CardPages } from "./cardpages.js";
import { put } from "./elements.js";
import { nameIn, watchLink } from "./pagelinks.js";
import { bearer, getJson, ProblemError } from "./problem.js";
import { Tabs } from "./tabs.js";
import { clipCard, vodCard } from "./vodcard.js";
import { agoText, many } from "./vodwords.js";

const REFRESH_MS = 15_000;

const at = (id) => document.getElementById(id);
const channel = nameIn(location.pathname);
const token = new URLSearchParams(location.search).get("token");
const base = `/api/channels/${encodeURIComponent(channel)}`;

const tabs = new Tabs(at("tabs"));
const pages = {
  // What still runs has a place of its own above the list.
  past: pagesIn("past", `${base}/vods`, (vod) => vodCard(vod, token), ({ state }) => state !== "recording"),
  clips: pagesIn("clips", `${base}/clips`, (clip) => clipCard(clip, token)),
};
let live = null;

tabs.addEventListener("choose", bring);
put(at("title"), channel);
at("live").href = watchLink(channel, token);
if (location.hash === "#clips") tabs.choose("clips");
else bring();
refresh();
setInterval(() => !document.hidden && refresh(), REFRESH_MS);
document.addEventListener("visibilitychange", () => !document.hidden && refresh());

function pagesIn(id, path, card, wants) {
  const root = at(id);
  const parts = {
    list: root.querySelector("ul"),
    more: root.querySelector(".more"),
    empty: root.querySelector(".empty"),
    status: root.querySelector("[role=status]"),
  };
  return new CardPages(parts, { path, token, card, wants });
}

/** What a tab shows is fetched when somebody looks. */
function bring() {
  const chosen = pages[tabs.chosen];
  if (chosen.items.length === 0) chosen.load();
}

async function refresh() {
  let state;
  try {
    state = await getJson(`${base}/state`, { headers: bearer(token) });
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    put(at("facts"), `${error.title}. ${error.advice}`);
    return;
  }
  const name = state.title || channel;
  document.title = `${name} · Sluice`;
  put(at("title"), name);
  put(at("facts"), name === channel ? "" : channel);
  live = state.live;
  at("badge").hidden = live;
  put(at("badge"), "Offline");
  at("live").hidden = !live;
  put(at("livetitle"), name);
  const since = Number.isFinite(state.since_ms) ? `began ${agoText(state.since_ms, Date.now())}` : "";
  put(at("livefacts"), [many(state.viewers ?? 0, "viewer"), since].filter(Boolean).join(" · "));
}

/** For tests and integrators: what stands there. */
window.sluice = Object.freeze({
  get live() {
    return live;
  },
  get tab() {
    return tabs.chosen;
  },
  get vods() {
    return pages.past.items.map((vod) => ({ ...vod }));
  },
  get clips() {
    return pages.clips.items.map((clip) => ({ ...clip }));
  },
});
