// The page of a clip: it plays round and round, and leads to where it is from.

import { ClipWork } from "./clipwork.js";
import { put } from "./elements.js";
import { LinkField } from "./linkfield.js";
import { channelLink, fileLink, nameIn, vodLink } from "./pagelinks.js";
import { ProblemError } from "./problem.js";
import { agoText, clipWords, timeText } from "./vodwords.js";

const at = (id) => document.getElementById(id);
const video = at("video");
const name = nameIn(location.pathname);
const token = new URLSearchParams(location.search).get("token");
const work = new ClipWork(token);
const link = new LinkField("Link to this clip");

let clip = null;
let state = "connecting"; // connecting | making | ready | failed
let renewed = false;

at("sharebox").append(link.element);
video.addEventListener("error", renew);
video.addEventListener("playing", () => (renewed = false));
begin();

async function begin() {
  try {
    show(await work.get(name));
    await work.follow(clip, show);
  } catch (error) {
    fail(error);
  }
}

function fail(error) {
  if (!(error instanceof ProblemError)) throw error;
  const gone = error.status === 404;
  setState("failed", gone ? "This clip is not here" : error.title);
  put(at("subline"), gone ? "It was deleted, or the link has a typing error." : [error.detail, error.advice].filter(Boolean).join(" "));
}

function show(told) {
  const first = clip === null;
  clip = told;
  if (first) describe();
  setState(clip.state, clip.state === "ready" ? "" : clipWords(clip));
  if (clip.progress > 0) at("progress").value = clip.progress;
  if (clip.state !== "ready") return;
  const file = fileLink(clip.mp4, token);
  if (clip.poster) video.poster = fileLink(clip.poster, token);
  video.src = file;
  at("download").href = file;
  at("download").hidden = false;
  at("sharebox").hidden = false;
  video.play().catch(() => {}); // where the browser wants a click first, the controls are there
}

function describe() {
  const title = clip.title || "Clip";
  document.title = `${title} · Sluice`;
  put(at("title"), title);
  put(at("channellink"), clip.channel);
  at("channellink").href = channelLink(clip.channel, token);
  const facts = [timeText(clip.to_ms - clip.from_ms), clip.by ? `clipped by ${clip.by}` : "", agoText(clip.created_ms, Date.now())];
  put(at("facts"), ["", ...facts.filter(Boolean)].join(" · "));
  at("whole").href = vodLink(clip.vod, { atMs: clip.from_ms, token });
  at("whole").title = `The clip begins there at ${timeText(clip.from_ms)}`;
  at("whole").hidden = false;
  link.address = new URL(clip.page || location.pathname, location.origin).href;
}

function setState(next, headline) {
  state = next;
  document.body.dataset.state = next;
  put(at("headline"), headline);
  at("progress").hidden = next !== "making";
}

/** Its address may have ended; once, it is asked for again. */
async function renew() {
  if (state !== "ready" || renewed) return;
  renewed = true;
  const { currentTime } = video;
  try {
    clip = await work.get(name);
  } catch (error) {
    return fail(error);
  }
  video.src = fileLink(clip.mp4, token);
  video.currentTime = currentTime;
  video.play().catch(() => {});
}

/** For tests and integrators. */
window.sluice = Object.freeze({
  get state() {
    return state;
  },
  get clip() {
    return clip === null ? null : { ...clip };
  },
  get positionMs() {
    return video.currentTime * 1000;
  },
});
