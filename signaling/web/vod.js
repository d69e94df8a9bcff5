// The page of a recording: puts the player, its bar, captions, chapters, chat and clips together.

import { ChapterList } from "./chapterlist.js";
import { chapterAt } from "./chapters.js";
import { canClip } from "./cliprange.js";
import { ServerClock } from "./clock.js";
import { put } from "./elements.js";
import { levelChoices } from "./layers.js";
import { QualityMenu } from "./menu.js";
import { channelLink, nameIn, startMs, watchLink } from "./pagelinks.js";
import { getJson, ProblemError, request } from "./problem.js";
import { Tabs } from "./tabs.js";
import { Storyboard } from "./thumbnail.js";
import { VodAddress } from "./vodaddress.js";
import { VodBar } from "./vodbar.js";
import { VodCaptions } from "./vodcaptions.js";
import { VodChat } from "./vodchat.js";
import { bindVodControls, nextSpeed, SPEEDS } from "./vodcontrols.js";
import { VodPlayer } from "./vodplayer.js";
import { VodSearch } from "./vodsearch.js";
import { vodSurfaceOf } from "./vodsurface.js";
import { agoText, dateText, sizeText, speedText, timeText } from "./vodwords.js";

const TICK_MS = 200;
/** A pause this short is not worth a spinner. */
const PATIENCE_MS = 400;
/** A link beyond the end begins so long before it. */
const END_MS = 1000;
/** How often it is looked whether a broadcast has ended, or what was made of it meanwhile. */
const LIVE_LOOK_MS = 5000;
const JOBS_LOOK_MS = 15_000;

const at = (id) => document.getElementById(id);
const video = at("video");
const query = new URLSearchParams(location.search);
const vod = nameIn(location.pathname);
const token = query.get("token");

const clock = new ServerClock();
const address = new VodAddress(vod, token, () => clock.at());
const player = new VodPlayer(video, address);
const captions = new VodCaptions(video, at("captionlines"), () => address.ask());
const bar = new VodBar(seek);
const chapterList = new ChapterList(at("chapterlist"), seek);
const search = new VodSearch(at("words"), { captions, address, seek });
const tabs = new Tabs(at("tabs"), { wide: matchMedia("(min-width: 960px)"), besides: ["chat"] });
const menus = {
  captions: new QualityMenu("captions", "Captions"),
  speed: new QualityMenu("speed", "Speed"),
  quality: new QualityMenu("quality", "Quality"),
};

let state = "connecting";
let problem = null;
let startAtMs = startMs(query.get("t"));
let speed = 1;
let storyboard = null;
let chat = null;
let clipDialog = null;
let shareDialog = null;
let hasHeat = false;
let waitTimer = null;
let lookTimer = null;
let shownDetails = "";
const frames = [];

bindVodControls(video, {
  toggle,
  step: (ms) => seek(positionMs() + ms),
  jump: (share) => seek(share * durationMs()),
  speed: (step) => setSpeed(nextSpeed(speed, step)),
  captions: () => captions.toggle(),
  quality: () => menus.quality.toggle(),
  clip: openClip,
});
at("retry").addEventListener("click", () => location.reload());
at("clip").addEventListener("click", openClip);
at("share").addEventListener("click", openShare);
address.addEventListener("change", describe);
captions.addEventListener("change", showCaptions);
player.addEventListener("levels", showQuality);
player.addEventListener("problem", ({ detail }) => fail(detail));
for (const name of ["playing", "seeked", "canplay"]) video.addEventListener(name, () => notWaiting());
for (const name of ["waiting", "seeking"]) video.addEventListener(name, () => waiting());
video.addEventListener("loadedmetadata", loaded);
video.addEventListener("pause", () => notWaiting());
window.addEventListener("pageshow", (event) => event.persisted && location.reload());

tabs.offer("chat", false);
tabs.offer("chapters", false);
tabs.offer("words", false);
clock.start();
showSpeed();
begin();
setInterval(tick, TICK_MS);

async function begin() {
  try {
    await address.ask();
  } catch (error) {
    return state === "live" && error.passing ? showLive() : fail(error);
  }
  if (address.details.vod.state === "recording") return showLive();
  setState("idle");
  player.prepare();
  bringChat();
  bringHeat();
  if (query.has("stamps")) {
    const { watchFrames } = await import("./vodframes.js");
    watchFrames(video, () => address.details.vod.began_ms, frames);
  }
}

// --- what plays

async function play() {
  if (!["idle", "playing", "waiting"].includes(state)) return;
  if (!player.isOpen && state === "idle") {
    setState("connecting");
    try {
      await player.open(startAtMs / 1000);
    } catch (error) {
      return fail(error);
    }
  }
  try {
    await video.play();
  } catch (error) {
    if (error.name !== "NotAllowedError") return;
    video.muted = true; // the browser wants a click before it plays sound
    await video.play().catch(() => {});
  }
}

function toggle() {
  if (video.paused || state === "idle") play();
  else video.pause();
}

/** Before anything plays, the place to begin at. */
function seek(ms) {
  const target = Math.min(Math.max(0, ms), durationMs());
  startAtMs = target;
  if (isLoaded()) video.currentTime = target / 1000;
  tick();
}

function positionMs() {
  return isLoaded() ? video.currentTime * 1000 : startAtMs;
}

function isLoaded() {
  return player.isOpen && video.readyState > 0;
}

/** The element knows the recording now: what was wished for meanwhile counts. */
function loaded() {
  video.playbackRate = speed;
  if (Math.abs(video.currentTime * 1000 - startAtMs) > END_MS) video.currentTime = startAtMs / 1000;
}

function durationMs() {
  return address.details?.vod.duration_ms ?? 0;
}

function bufferedMs() {
  return Array.from({ length: video.buffered.length }, (_, i) => ({
    start: video.buffered.start(i) * 1000,
    end: video.buffered.end(i) * 1000,
  }));
}

function setSpeed(rate) {
  speed = rate;
  video.playbackRate = rate;
  showSpeed();
}

function waiting() {
  clearTimeout(waitTimer);
  waitTimer = setTimeout(() => {
    if (state === "playing" && !video.ended && video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA) setState("waiting");
  }, PATIENCE_MS);
}

function notWaiting() {
  clearTimeout(waitTimer);
  if (["connecting", "waiting"].includes(state) && player.isOpen) setState("playing");
}

function fail(error) {
  if (!(error instanceof ProblemError)) throw error;
  video.pause();
  problem = error;
  setState("failed");
}

// --- what is said of it

/** The broadcast still runs: it is looked at again until it has ended. */
function showLive() {
  setState("live");
  clearTimeout(lookTimer);
  lookTimer = setTimeout(() => begin(), LIVE_LOOK_MS);
}

function setState(name) {
  state = name;
  document.body.dataset.state = name;
  const [headline, subline] = words();
  put(at("headline"), headline);
  put(at("subline"), subline);
  at("retry").hidden = name !== "failed" || problem.status === 404;
  at("watchlive").hidden = name !== "live";
}

function words() {
  if (state === "live") return ["This broadcast is still live", "The recording can be watched when it has ended."];
  if (state !== "failed") return ["", ""];
  if (problem.status === 404) return ["This recording is not here", "It was deleted, or the link has a typing error."];
  return [problem.title, [problem.detail, problem.advice].filter(Boolean).join(" ")];
}

/** Everything that the server says of the recording; it may say more each time. */
function describe() {
  const { details } = address;
  const { title, channel, began_ms: beganMs, poster, width, state: kind, trouble, duration_ms: lengthMs } = details.vod;
  captions.offer(details.captions);
  at("download").href = withQuery(details.mp4, "download=1");
  // Another signature alone is no news.
  const shape = JSON.stringify({ ...details, expires_ms: null }).replaceAll(details.folder, "");
  if (shape === shownDetails) return;
  shownDetails = shape;
  const name = title || channel;
  document.title = `${name} · Sluice`;
  document.body.dataset.sound = width > 0 ? "" : "only";
  put(at("title"), name);
  put(at("channellink"), channel);
  at("channellink").href = channelLink(channel, token);
  at("watchlive").href = watchLink(channel, token);
  const done = kind !== "recording";
  const facts = [dateText(beganMs, Date.now()), agoText(beganMs, Date.now()), ...(done ? [timeText(lengthMs)] : [])];
  put(at("facts"), ["", ...facts].join(" · "));
  const picture = details.large_poster ?? poster;
  if (picture) video.poster = picture;
  at("trouble").hidden = kind !== "trouble";
  put(at("trouble"), trouble ?? "");
  at("download").title = `MP4, ${sizeText(details.size_bytes)}`;
  at("download").hidden = !done;
  at("share").hidden = !done;
  at("clip").hidden = !done || !canClip(lengthMs);
  if (done) describeParts(details, lengthMs);
}

function describeParts({ chapters, storyboard: pictures, captions: tracks, jobs }, lengthMs) {
  startAtMs = Math.min(startAtMs, Math.max(0, lengthMs - END_MS));
  if (storyboard === null && pictures) storyboard = storyboardOf();
  bar.describe({ durationMs: lengthMs, chapters, storyboard });
  chapterList.describe(chapters);
  tabs.offer("chapters", chapters.length > 0);
  tabs.offer("words", tracks.length > 0);
  stillMaking({ jobs });
  tick();
}

/** Storyboard, captions or a poster are still being made. */
function lookAgain() {
  clearTimeout(lookTimer);
  lookTimer = setTimeout(() => address.ask().then(stillMaking, (error) => error.passing && lookAgain()), JOBS_LOOK_MS);
}

function stillMaking({ jobs }) {
  if (jobs.some(({ state: job }) => ["waiting", "running"].includes(job))) lookAgain();
}

function storyboardOf() {
  const load = async () => (await request(address.renewed(address.details.storyboard))).text();
  return new Storyboard(load, () => address.details.storyboard ?? address.details.folder);
}

async function bringChat() {
  const duration = durationMs();
  if (chat !== null || !(await VodChat.isThere(address, duration))) return;
  chat = new VodChat(at("chat"), { address, position: positionMs, rate: () => video.playbackRate, durationMs: duration });
  tabs.offer("chat", true);
  tabs.choose("chat");
  chat.start();
}

async function bringHeat() {
  const [path, init] = address.api("/heat");
  try {
    bar.drawHeat(await getJson(path, init));
    hasHeat = !at("heat").hasAttribute("hidden");
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error; // it is only a line
  }
}

function tick() {
  const position = positionMs();
  if (isLoaded() && !video.seeking) startAtMs = position; // where it goes on if it must be loaded again
  bar.show(position, bufferedMs());
  chapterList.show(position);
  search.show(position);
  clipDialog?.show(position);
  put(at("chapter"), address.details?.chapters[chapterList.current]?.title ?? "");
}

function showSpeed() {
  const choices = SPEEDS.map((rate) => ({
    id: rate, name: speedText(rate), note: rate === 1 ? "normal" : "", checked: rate === speed, resting: false,
  }));
  menus.speed.show([{ label: "Speed", choices, choose: setSpeed }], "");
}

function showCaptions() {
  menus.captions.show([{ label: "Captions", choices: captions.choices, choose: (key) => captions.choose(key) }], "");
  const icon = captions.chosen === null ? "captions" : "captionson";
  at("captions").querySelector("use").setAttribute("href", `/static/vodicons.svg#${icon}`);
}

function showQuality() {
  const choices = levelChoices(player.levels, { wish: player.chosen, shown: player.shown, sound: false });
  menus.quality.show([{ label: "Quality", choices, choose: (name) => player.choose(name) }], player.shown);
}

// --- dialogs, fetched when somebody wants them

async function openClip() {
  if (at("clip").hidden || !["idle", "playing", "waiting"].includes(state)) return;
  if (document.fullscreenElement) await document.exitFullscreen(); // it would lie behind the picture
  const { ClipDialog } = await import("./clipdialog.js");
  clipDialog ??= new ClipDialog({
    vod,
    token,
    player: {
      get positionMs() {
        return positionMs();
      },
      get paused() {
        return video.paused;
      },
      seek,
      play,
      pause: () => video.pause(),
    },
  });
  clipDialog.open({ durationMs: durationMs(), storyboard });
}

async function openShare() {
  const { ShareDialog } = await import("./sharedialog.js");
  shareDialog ??= new ShareDialog(vod);
  shareDialog.open(positionMs());
}

function withQuery(path, more) {
  return `${path}${path.includes("?") ? "&" : "?"}${more}`;
}

window.sluice = vodSurfaceOf(video, {
  get state() {
    return state;
  },
  get positionMs() {
    return positionMs();
  },
  get durationMs() {
    return durationMs();
  },
  get bufferedMs() {
    return bufferedMs();
  },
  get vod() {
    return address.details;
  },
  get chapters() {
    return address.details?.chapters ?? [];
  },
  get chapter() {
    return chapterAt(address.details?.chapters ?? [], positionMs());
  },
  get captions() {
    return { chosen: captions.chosen, cues: captions.cues.length, shown: captions.shown.map((line) => ({ ...line })) };
  },
  get lines() {
    return search.lines;
  },
  get chat() {
    return chat === null ? null : { ...chat.figures, shown: chat.shown.map((entry) => ({ ...entry })) };
  },
  get levels() {
    return player.levels;
  },
  get level() {
    return player.shown || null;
  },
  get heat() {
    return hasHeat;
  },
  get pointedMs() {
    return bar.pointedMs;
  },
  get frames() {
    return frames.map((frame) => ({ ...frame }));
  },
  seek,
  play,
});
