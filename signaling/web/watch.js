// The watch page: puts viewer, meters and controls together.

import { ServerClock } from "./clock.js";
import { bindControls } from "./controls.js";
import { delayText } from "./dvr.js";
import { HlsSession, loadHlsJs } from "./hlsplayer.js";
import { lateCaptions } from "./latecaptions.js";
import { lateChat } from "./latechat.js";
import { LatencyMeter } from "./latency.js";
import { levelChoices, qualityChoices, shownName } from "./layers.js";
import { QualityMenu } from "./menu.js";
import { NativeHlsSession, playsHls } from "./nativehls.js";
import { StatsPanel } from "./panel.js";
import { Playback } from "./playback.js";
import { rememberedWish, rememberWish } from "./preference.js";
import { getJson, ProblemError } from "./problem.js";
import { hlsRows, webrtcRows } from "./rows.js";
import { SeekBar } from "./seekbar.js";
import { inboundFigures } from "./stats.js";
import { surfaceOf } from "./surface.js";
import { TransportPlan } from "./transportplan.js";
import { SHORT_NAMES, transportChoices, TRANSPORTS, WISHES } from "./transports.js";
import { ChannelViewer } from "./viewer.js";
import { badgeText, stateWords } from "./words.js";

const TICK_MS = 1000;
const SEEK_TICK_MS = 250;
/** Ticks without a new frame or sound packet before we call it a stall ourselves. */
const SILENT_TICKS = 2;
/** How long it is said over the picture that another transport was taken. */
const NOTICE_MS = 8000;
const SOUND_ONLY = "Your connection carries sound only right now";

const at = (id) => document.getElementById(id);
const video = at("video");
const query = new URLSearchParams(location.search);
const channel = decodeURIComponent(location.pathname.replace(/\/+$/, "").split("/").pop());
const token = query.get("token");
const forced = TRANSPORTS.find((name) => name === query.get("transport"));

const clock = new ServerClock();
const playback = new Playback(channel, token, () => clock.at());
const plan = new TransportPlan({
  wish: forced ?? rememberedWish(Object.keys(WISHES)) ?? "auto",
  forced: forced !== undefined,
  browser: {
    webrtc: "RTCPeerConnection" in window,
    mse: "MediaSource" in window || "ManagedMediaSource" in window,
    nativeHls: playsHls(video),
    apple: /^Apple/.test(navigator.vendor),
    hlsJs: null,
  },
});
const viewer = new ChannelViewer(channel, token, plan, ({ player, ...options }) => {
  const Session = player === "native" ? NativeHlsSession : HlsSession;
  return new Session({ ...options, video, clock, playback, channel, level });
});
const panel = new StatsPanel();
const meter = new LatencyMeter(video, clock, onFrame);

let title = channel;
let figures = null;
let snapshot = null;
let silentTicks = 0;
let joinedAt = null;
let firstFrameMs = null;
let level = null; // of HLS, by its name; null: automatic
let noticeUntil = 0;
let records = true; // until the server says that it does not
let clips = null; // the dialog, fetched when somebody wants it

const chat = lateChat({ viewer, video, clock, channel, token });
const captions = lateCaptions({ viewer, clock, channel, token, position: captionPosition });
const menu = new QualityMenu();
const seekBar = new SeekBar({ seek, goLive: () => viewer.goLive() });
const controls = bindControls(video, {
  start: () => start(false),
  togglePanel: () => panel.toggle(),
  toggleQuality: () => menu.toggle(),
  step,
  goLive: () => viewer.goLive(),
  write: () => chat.focus(),
  captions: () => captions.toggle(),
});
at("retry").addEventListener("click", () => viewer.play());
at("way").addEventListener("click", () => menu.toggle());
at("clip").addEventListener("click", clip);
at("past").href = `/channel/${encodeURIComponent(channel)}${token ? `?token=${encodeURIComponent(token)}` : ""}`;
viewer.addEventListener("state", () => {
  snapshot = null; // what arrived before the change must not count as news after it
  render();
});
viewer.addEventListener("channel", () => {
  if (viewer.audioOnly) holdStill();
  render();
});
viewer.addEventListener("session", attach);
viewer.addEventListener("ready", playElement);
viewer.addEventListener("drop", holdStill);
viewer.addEventListener("levels", render);
viewer.addEventListener("transport", () => {
  noticeUntil = viewer.transportReason ? performance.now() + NOTICE_MS : 0;
  render();
});
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
setInterval(showSeekBar, SEEK_TICK_MS);
render();
describe();
// Where HLS will be the way, its player is fetched while the viewer reaches for the play button.
if (plan.choose(performance.now()).player === "hls.js") loadHlsJs().catch(() => {});
if (query.get("autoplay") === "muted") start(true);

function start(muted) {
  setMuted(muted);
  viewer.play();
}

/** The WebRTC session, or null. */
function webrtc() {
  return viewer.transport === "webrtc" ? viewer.session : null;
}

/** The HLS session, or null. */
function hls() {
  return viewer.transport === "webrtc" ? null : viewer.session;
}

/** A new session: its stream takes over the element, which keeps its last picture till then. */
function attach() {
  const { session } = viewer;
  firstFrameMs = null;
  joinedAt = Math.round(clock.at());
  snapshot = null;
  if (hls()) {
    video.srcObject = null;
    return; // it fills the element by itself and says when it may be played
  }
  const show = () => {
    if (viewer.session !== session || video.srcObject === session.stream) return;
    video.srcObject = session.stream;
    playElement();
  };
  if (!video.srcObject) show();
  else session.videoTrack.addEventListener("unmute", show, { once: true });
}

function playElement() {
  video.play().catch((error) => {
    if (error.name !== "NotAllowedError") return;
    // The browser wants a click before it plays sound; the picture need not wait for it.
    setMuted(true);
    video.play().catch(() => {});
  });
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

function setMuted(muted) {
  video.muted = muted;
  at("unmute").hidden = !muted;
  controls.showSound();
}

function onFrame(now) {
  const { session } = viewer;
  if (!session?.owns(video)) return;
  if (firstFrameMs === null && session.postedAt) firstFrameMs = now - session.postedAt;
  if (!viewer.audioOnly) at("still").hidden = true;
  viewer.noteMedia();
}

/** The moment of the stream that captions go by, or null. Theirs need not be known to the frame. */
function captionPosition() {
  if (!["playing", "reconnecting"].includes(viewer.state.name)) return null;
  if (hls()) return hls().playingMs;
  return chat.surface.position ?? (video.paused ? null : clock.at());
}

function seek(dateMs) {
  if (hls()) hls().seek(dateMs);
  else viewer.rewind(dateMs);
}

function step(ms) {
  if (!["playing", "reconnecting"].includes(viewer.state.name)) return;
  if (hls()) seekBar.step(ms);
  else if (ms < 0 && canRewind()) viewer.rewind(clock.at() + ms);
}

/** Whether HLS could show the past to a viewer by WebRTC. */
function canRewind() {
  return webrtc() !== null && plan.canLeave("webrtc", performance.now());
}

/** The last seconds of what this viewer sees now, however long the dialog takes to come. */
function clip() {
  const untilMs = chat.surface.position ?? hls()?.playingMs ?? null;
  clips ??= import("./liveclip.js").then(({ LiveClip }) => new LiveClip(channel, token));
  clips.then((dialog) => dialog.open(untilMs)).catch(() => (clips = null));
}

async function tick() {
  const { session } = viewer;
  if (!session) {
    snapshot = null;
    return;
  }
  const before = snapshot;
  if (hls()) {
    ({ figures, snapshot } = session.figures(before));
  } else {
    const report = await session.pc.getStats();
    if (viewer.session !== session) return;
    ({ figures, snapshot } = inboundFigures(report.values(), before));
    followMedia(before);
    chat.takeFigures(figures);
  }
  meter.takeFigures(figures);
  const rows = hls() ? hlsRows : webrtcRows;
  panel.show(rows(figures, { firstFrameMs, reason: viewer.transportReason }), latencyMs(), meter.source);
  showChip();
  showQuality();
  showNotice();
}

/** Null while nothing plays: a frozen picture has no latency worth naming. */
function latencyMs() {
  if (viewer.state.name !== "playing" || viewer.audioOnly) return null;
  return meter.latencyMs;
}

function showChip() {
  const latency = latencyMs();
  at("chip").hidden = latency === null;
  at("chip").textContent = latency === null ? "" : `${delayText(latency)} behind live`;
}

function showSeekBar() {
  const session = hls();
  const playing = session !== null && ["playing", "reconnecting"].includes(viewer.state.name);
  if (playing) seekBar.show(session.seekable, session.playingMs, session.live && !viewer.rewound);
  else seekBar.show(null, null, false);
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
    records = state.records !== false;
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
  const playing = ["playing", "reconnecting"].includes(state.name);
  document.body.dataset.state = state.name;
  document.body.dataset.sound = hls()?.soundOnly ? "only" : "";
  document.title = `${title} · Sluice`;
  at("title").textContent = title;
  if (["idle", "offline", "failed"].includes(state.name) || hls()?.soundOnly) at("still").hidden = true;
  const badge = badgeText(viewer);
  at("badge").textContent = badge;
  at("badge").classList.toggle("live", badge === "Live");
  at("viewers").hidden = viewers === null || !live;
  at("viewercount").textContent = viewers === 1 ? "1 viewer" : `${viewers} viewers`;
  at("retry").hidden = state.name !== "failed";
  at("clip").hidden = !playing || !records;
  at("rewind").hidden = !playing || (!hls() && !canRewind());
  at("way").hidden = !playing || menuSections().every(({ choices }) => choices.length === 0);
  at("way").textContent = SHORT_NAMES[viewer.transport] ?? "";
  at("way").title = viewer.transportReason;
  at("way").setAttribute("aria-label", `${WISHES[viewer.transport] ?? "Nothing"}; opens the menu`);
  const [headline, subline] = stateWords(viewer);
  at("headline").textContent = headline;
  at("subline").textContent = subline;
  showNotice();
  showChip();
  showQuality();
  showSeekBar();
}

function showNotice() {
  const playing = viewer.state.name === "playing";
  const reason = performance.now() < noticeUntil ? viewer.transportReason : "";
  at("notice").textContent = !playing ? "" : viewer.audioOnly ? SOUND_ONLY : reason;
}

/** Only while something plays, or goes on in a moment: before, there is nothing to choose. */
function showQuality() {
  const playing = ["playing", "reconnecting"].includes(viewer.state.name);
  menu.show(playing ? menuSections() : [], shownQuality());
}

function shownQuality() {
  if (viewer.audioOnly || hls()?.soundOnly) return "Sound";
  if (hls()) return hls().shown;
  return shownName(viewer.layers, viewer.rid, { width: video.videoWidth, height: video.videoHeight });
}

function menuSections() {
  const session = hls();
  const shown = shownQuality();
  const quality = session
    ? levelChoices(session.levels, { wish: session.chosen, shown, sound: session.canSoundOnly })
    : qualityChoices(viewer.layers, { wish: viewer.wish, shown });
  return [
    { label: "Quality", choices: quality, choose: session ? chooseLevel : (rid) => viewer.choose(rid) },
    { label: "Delay", choices: transportChoices(plan.facts(performance.now()), viewer.transport), choose: chooseWay },
  ];
}

function chooseLevel(name) {
  level = name;
  hls()?.choose(name);
  render();
}

function chooseWay(wish) {
  rememberWish(wish === "auto" ? null : wish);
  viewer.wishTransport(wish);
  render();
}

window.sluice = surfaceOf(viewer, {
  chat: chat.surface,
  captions: captions.surface,
  get latencyMs() {
    return latencyMs();
  },
  get latencySource() {
    return meter.source;
  },
  get figures() {
    return figures;
  },
  get frames() {
    return meter.frames;
  },
  get firstFrameMs() {
    return firstFrameMs;
  },
  get joinedAt() {
    return joinedAt;
  },
  get clockErrorMs() {
    return clock.uncertaintyMs;
  },
});
