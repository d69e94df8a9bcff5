// Plays one address with one player of others, as it comes out of its box, and tells what was
// seen: `window.player`. Query: player = hls | llhls | shaka | dash, url = the playlist or manifest.

import { COLUMNS, readStamp, ROWS, unwrapTime } from "/static/stamp.js";

const CELL = 8;
const KEPT = 20_000;
const query = new URLSearchParams(location.search);
const kind = query.get("player");
const url = query.get("url");
const video = document.getElementById("video");
const begun = performance.now();

/** What tests read. Times in ms; `shownMs` and `captureMs` on the machine's one clock. */
const seen = { frames: [], stalls: [], firstFrameMs: null, errors: [], ended: false, left: null };
window.player = seen;

const canvas = document.createElement("canvas");
canvas.width = COLUMNS * CELL;
canvas.height = ROWS * CELL;
const context = canvas.getContext("2d", { willReadFrequently: true, alpha: false });

function look(now, { expectedDisplayTime }) {
  video.requestVideoFrameCallback(look);
  seen.firstFrameMs ??= now - begun;
  const strip = (video.videoWidth * ROWS) / COLUMNS;
  context.drawImage(video, 0, 0, video.videoWidth, strip, 0, 0, canvas.width, canvas.height);
  const stamp = readStamp(context.getImageData(0, 0, canvas.width, canvas.height).data, canvas.width);
  if (!stamp || seen.frames.length >= KEPT) return;
  const shownMs = performance.timeOrigin + expectedDisplayTime;
  seen.frames.push([stamp.counter, unwrapTime(stamp.time, shownMs), shownMs]);
}
video.requestVideoFrameCallback(look);

let waiting = null;
video.addEventListener("waiting", () => {
  if (seen.firstFrameMs !== null && !video.ended) waiting ??= performance.now();
});
video.addEventListener("playing", () => {
  if (waiting !== null) seen.stalls.push([waiting - begun, performance.now() - waiting]);
  waiting = null;
});
setInterval(() => {
  if (Number.isFinite(video.duration)) seen.left = 1_000 * (video.duration - video.currentTime);
}, 100);
video.addEventListener("ended", () => (seen.ended = true));
const fail = (error) => seen.errors.push(String(error?.message ?? error));

const players = {
  async hls() {
    const { default: Hls } = await import("/lib/hls.mjs");
    const low = kind === "llhls";
    // As it comes, hls.js never makes up for a late start; the watch page lets it, as gently.
    const catchUp = low ? 1.05 : 1;
    const hls = new Hls({ lowLatencyMode: low, maxLiveSyncPlaybackRate: catchUp, enableWorker: false });
    hls.on(Hls.Events.ERROR, (_, data) => data.fatal && fail(`${data.type} ${data.details}`));
    hls.loadSource(url);
    hls.attachMedia(video);
  },
  async shaka() {
    await script("/lib/shaka.js");
    window.shaka.polyfill.installAll();
    const player = new window.shaka.Player();
    await player.attach(video);
    player.configure({ streaming: { lowLatencyMode: true } });
    player.addEventListener("error", ({ detail }) => fail(`shaka ${detail.code}`));
    await player.load(url);
  },
  async dash() {
    await script("/lib/dash.js");
    const player = window.dashjs.MediaPlayer().create();
    player.on("error", ({ error }) => fail(error?.message ?? "dash"));
    player.initialize(video, url, true);
  },
};
players.llhls = players.hls;

function script(src) {
  return new Promise((resolve, reject) => {
    const element = document.createElement("script");
    element.src = src;
    element.addEventListener("load", resolve);
    element.addEventListener("error", reject);
    document.head.append(element);
  });
}

// dash.js begins by itself, and misses the event if somebody else does.
players[kind]()
  .then(() => kind === "dash" || video.play())
  .catch(fail);
