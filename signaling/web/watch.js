// The watch page: puts viewer, meters and controls together.

import { ServerClock } from "./clock.js";
import { bindControls } from "./controls.js";
import { LatencyMeter } from "./latency.js";
import { qualityChoices, shownName, videoLayers } from "./layers.js";
import { QualityMenu } from "./menu.js";
import { StatsPanel } from "./panel.js";
import { getJson, ProblemError } from "./problem.js";
import { inboundFigures } from "./stats.js";
import { ChannelViewer } from "./viewer.js";

const TICK_MS = 1000;
/** Ticks without a new frame or sound packet before we call it a stall ourselves. */
const SILENT_TICKS = 2;
const SOUND_ONLY = "Your connection carries sound only right now";

const at = (id) => document.getElementById(id);
const video = at("video");
const query = new URLSearchParams(location.search);
const channel = decodeURIComponent(location.pathname.replace(/\/+$/, "").split("/").pop());

const clock = new ServerClock();
const viewer = new ChannelViewer(channel, query.get("token"));
const panel = new StatsPanel();
const meter = new LatencyMeter(video, clock, onFrame);

let title = channel;
let figures = null;
let snapshot = null;
let silentTicks = 0;
let joinedAt = null;
let firstFrameMs = null;

const menu = new QualityMenu((rid) => viewer.choose(rid));
const controls = bindControls(video, {
  start: () => start(false),
  togglePanel: () => panel.toggle(),
  toggleQuality: () => menu.toggle(),
});
at("retry").addEventListener("click", () => viewer.play());
viewer.addEventListener("state", () => {
  snapshot = null; // what arrived before the change must not count as news after it
  render();
});
viewer.addEventListener("channel", () => {
  if (viewer.audioOnly) holdStill();
  render();
});
viewer.addEventListener("session", attach);
viewer.addEventListener("drop", holdStill);
window.addEventListener("pagehide", () => viewer.leave());
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return; // only a page that comes back from the cache was left before
  viewer.follow();
  render();
});

clock.start();
meter.start();
viewer.follow();
setInterval(tick, TICK_MS);
render();
describe();
if (query.get("autoplay") === "muted") start(true);

function start(muted) {
  setMuted(muted);
  viewer.play();
}

/** A new session: its stream takes over the element, which keeps its last picture till then. */
function attach() {
  const { session } = viewer;
  firstFrameMs = null;
  joinedAt = Math.round(clock.at());
  snapshot = null;
  const show = () => {
    if (viewer.session !== session || video.srcObject === session.stream) return;
    video.srcObject = session.stream;
    video.play().catch((error) => {
      if (error.name !== "NotAllowedError") return;
      // The browser wants a click before it plays sound; the picture need not wait for it.
      playMuted();
    });
  };
  if (!video.srcObject) show();
  else session.videoTrack.addEventListener("unmute", show, { once: true });
}

/** Lay the last picture over the element, which goes black when its source ends. */
function holdStill() {
  const still = at("still");
  if (!still.hidden || video.videoWidth < 16) return; // browsers show ended tracks as 2 x 2 black
  still.width = video.videoWidth;
  still.height = video.videoHeight;
  still.getContext("2d").drawImage(video, 0, 0);
  still.hidden = false;
}

function playMuted() {
  setMuted(true);
  video.play().catch(() => {});
}

function setMuted(muted) {
  video.muted = muted;
  at("unmute").hidden = !muted;
  controls.showSound();
}

function onFrame(now) {
  const { session } = viewer;
  // A track without packets is muted; browsers show black frames for it, and those do not count.
  if (!session || video.srcObject !== session.stream || session.videoTrack.muted) return;
  if (firstFrameMs === null && session.postedAt) firstFrameMs = now - session.postedAt;
  if (!viewer.audioOnly) at("still").hidden = true;
  viewer.noteMedia();
}

async function tick() {
  const { session } = viewer;
  if (!session) {
    snapshot = null;
    return;
  }
  const report = await session.pc.getStats();
  if (viewer.session !== session) return;
  const before = snapshot;
  ({ figures, snapshot } = inboundFigures(report.values(), before));
  followMedia(before);
  meter.takeFigures(figures);
  panel.show(figures, latencyMs(), meter.source, { firstFrameMs });
  showChip();
  showQuality();
}

/** Null while nothing plays: a frozen picture has no latency worth naming. */
function latencyMs() {
  return viewer.state.name === "playing" && !viewer.audioOnly ? meter.latencyMs : null;
}

function showChip() {
  const latency = latencyMs();
  at("chip").hidden = latency === null;
  at("chip").textContent = latency === null ? "" : `${Math.round(latency)} ms behind live`;
}

/** For what frame callbacks do not see: sound without picture, and pages in the background. */
function followMedia(before) {
  if (!before) return;
  const frames = snapshot.frames > before.frames;
  const sound = snapshot.audioBytes > before.audioBytes;
  const radio = sound && (snapshot.frames === 0 || viewer.audioOnly);
  silentTicks = frames || radio ? 0 : silentTicks + 1;
  if (silentTicks === 0) viewer.noteMedia();
  else if (silentTicks >= SILENT_TICKS) viewer.noteSilence({ sound });
}

async function describe() {
  try {
    const state = await getJson(`/api/channels/${encodeURIComponent(channel)}/state`);
    title = state.title || channel;
    viewer.live ??= state.live;
    viewer.viewers ??= state.viewers;
    viewer.sinceMs ??= state.since_ms;
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    if (error.status === 404) viewer.refuse(error);
    else at("facts").textContent = `${error.title}. ${error.advice}`;
  }
  render();
}

function render() {
  const { state, live, viewers } = viewer;
  document.body.dataset.state = state.name;
  document.title = `${title} · Sluice`;
  at("title").textContent = title;
  if (["idle", "offline", "failed"].includes(state.name)) at("still").hidden = true;
  at("soundonly").textContent = state.name === "playing" && viewer.audioOnly ? SOUND_ONLY : "";
  const badge = badgeText();
  at("badge").textContent = badge;
  at("badge").classList.toggle("live", badge === "Live");
  at("viewers").hidden = viewers === null || !live;
  at("viewercount").textContent = viewers === 1 ? "1 viewer" : `${viewers} viewers`;
  at("retry").hidden = state.name !== "failed";
  const [headline, subline] = words();
  at("headline").textContent = headline;
  at("subline").textContent = subline;
  showChip();
  showQuality();
}

/** Only while something plays, or goes on in a moment: before, there is nothing to choose. */
function showQuality() {
  const playing = ["playing", "reconnecting"].includes(viewer.state.name);
  const size = { width: video.videoWidth, height: video.videoHeight };
  const shown = viewer.audioOnly ? "Sound" : shownName(viewer.layers, viewer.rid, size);
  menu.show(playing ? qualityChoices(viewer.layers, { wish: viewer.wish, shown }) : [], shown);
}

function badgeText() {
  if (viewer.state.name === "playing") return "Live";
  if (viewer.live === null) return "…";
  if (!viewer.live) return "Offline";
  return viewer.stalled ? "Interrupted" : "Live";
}

function words() {
  const { state, live, stalled } = viewer;
  const { problem } = state;
  switch (state.name) {
    case "idle":
      return live === false
        ? ["Offline right now", "Press play: it starts by itself when the channel goes live."]
        : ["", ""];
    case "connecting":
      return ["Connecting…", ""];
    case "reconnecting":
      if (problem) return [problem.title, problem.advice];
      if (stalled || state.reason === "stalled") {
        return ["The stream is interrupted", "Waiting for the publisher. It goes on by itself."];
      }
      return ["Reconnecting…", "The connection broke. It goes on by itself."];
    case "offline":
      return ["Offline", "It starts by itself when the channel goes live."];
    case "failed":
      return [problem?.title ?? "This did not work", [problem?.detail, problem?.advice].filter(Boolean).join(" ")];
    default:
      return ["", ""];
  }
}

/**
 * The page's read-only surface for tests and integrators:
 *
 *   state          idle | connecting | playing | reconnecting | offline | failed
 *   latencyMs      glass to glass now, ms, or null; latencySource: stamp | rtcp | estimate | null
 *   stats          the last second's figures (see inboundFigures in stats.js), or null
 *   frames         up to 600 stamped frames, oldest first:
 *                  {counter, captureMs, shownMs, rtpTimestamp, latencyMs}, Unix ms, server's clock
 *   firstFrameMs   from the POST to the first picture of the present session, or null
 *   joinedAt       Unix ms (server's clock) when the present session was begun, or null
 *   joins          sessions opened so far: 1 means no rejoin was needed
 *   clockErrorMs   bound of the clock's error against the server, or null
 *   layers         what the publisher sends, best first: {rid, codec, bitrate, width, height, active}
 *   chosenRid      the layer that was chosen, or null: the server chooses
 *   rid            the layer that the server says it sends here, or null while it says none
 *   audioOnly      whether our connection carries sound only
 *   echo(text)     Promise<string>: round trip on the data channel
 */
window.sluice = Object.freeze({
  get state() {
    return viewer.state.name;
  },
  get latencyMs() {
    return latencyMs();
  },
  get latencySource() {
    return latencyMs() === null ? null : meter.source;
  },
  get stats() {
    return figures;
  },
  get frames() {
    return meter.frames.map((frame) => ({ ...frame }));
  },
  get firstFrameMs() {
    return firstFrameMs;
  },
  get joinedAt() {
    return joinedAt;
  },
  get joins() {
    return viewer.joins;
  },
  get clockErrorMs() {
    return clock.uncertaintyMs;
  },
  get layers() {
    return videoLayers(viewer.layers).map((layer) => ({ ...layer }));
  },
  get chosenRid() {
    return viewer.wish;
  },
  get rid() {
    return viewer.rid;
  },
  get audioOnly() {
    return viewer.audioOnly;
  },
  echo(text) {
    if (!viewer.session) return Promise.reject(new Error("there is no session"));
    return viewer.session.echo(String(text));
  },
});
