// The studio: source, settings and one publisher.

import { ServerClock } from "./clock.js";
import { qualitiesOf } from "./encodings.js";
import { ChannelEvents } from "./events.js";
import { SoundMeter } from "./meter.js";
import { explainSource, listDevices, openSource } from "./sources.js";
import { outboundFigures } from "./stats.js";
import { StudioChat } from "./studiochat.js";
import { StudioDevice } from "./studiodevice.js";
import { StudioMarker } from "./studiomarker.js";
import { StudioVods } from "./studiovods.js";
import { sendableCodecs, WhipPublisher } from "./whip.js";

const TICK_MS = 1000;
/** A fair H.264 bitrate for 30 frames a second, kbit/s, by lines. */
const FAIR_KBPS = { 360: 800, 540: 1500, 720: 2500, 1080: 4500 };
const MEMORY = "sluice.studio";

const at = (id) => document.getElementById(id);
const form = at("form");
const clock = new ServerClock();
const chat = new StudioChat(clock);
const marker = new StudioMarker();
const vods = new StudioVods();
const device = new StudioDevice();

let source = null;
let meter = null;
let publisher = null;
let events = null;
let verifyTimer = null;
let snapshot = null;
let muted = false;
let severalTouched = false;

clock.start();
recall();
fillCodecs();
fillDevices();
showKbps();
showSource();
setInterval(tick, TICK_MS);

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (onAir()) stop();
  else go();
});
form.addEventListener("change", (event) => changed(event.target.name));
at("kbps").addEventListener("input", showKbps);
at("open").addEventListener("click", () => preview());
at("micmute").addEventListener("click", toggleMute);
at("showkey").addEventListener("click", toggleKey);
at("copy").addEventListener("click", copyLink);
at("link").addEventListener("focus", (event) => event.target.select());
navigator.mediaDevices?.addEventListener?.("devicechange", fillDevices);
window.addEventListener("hashchange", recall);
window.addEventListener("beforeunload", (event) => {
  if (onAir()) event.preventDefault();
});
window.addEventListener("pagehide", () => publisher?.stop({ leaving: true }));

// --- on air

async function go() {
  remember();
  hideAlert();
  at("go").disabled = true;
  const ready = source || (await preview());
  at("go").disabled = false;
  if (!ready) return;
  publisher = new WhipPublisher(
    {
      channel: at("channel").value,
      key: at("key").value,
      codec: at("codec").value,
      kbps: at("kbps").valueAsNumber,
      fps: Number(at("fps").value),
      detail: chosenSource() !== "camera",
      qualities: at("several").checked ? qualitiesOf(at("codec").value, sourceSize()) : 1,
    },
    new MediaStream(source.stream.getTracks()),
  );
  publisher.addEventListener("state", showState);
  publisher.addEventListener("advice", () => device.look());
  followChannel();
  chat.open(at("channel").value, at("key").value);
  publisher.start();
}

function stop() {
  publisher?.stop();
  publisher = null;
  events?.close();
  events = null;
  showState();
  vods.refreshSoon();
}

/** Viewers, and the news that make us look after our session before the browser notices. */
function followChannel() {
  events?.close();
  at("o-viewers").textContent = "–";
  showShed([]);
  events = new ChannelEvents(at("channel").value, null, (name, data) => {
    if (name === "viewercount") put("o-viewers", data.viewers, String);
    else if (name === "renditions") showShed(data.renditions);
    else if (name === "reconnect" && data.ended === true) publisher?.beginAgain(data.retry_ms);
    else verifySoon();
  });
  events.open();
}

function onAir() {
  return ["connecting", "live", "reconnecting"].includes(publisher?.state);
}

/** Events come in twos and threes; one question to the server is enough. */
function verifySoon() {
  clearTimeout(verifyTimer);
  verifyTimer = setTimeout(() => publisher?.verify(), 150);
}

const STATE_WORDS = {
  idle: ["Off air", "Off air."],
  connecting: ["Connecting", "Connecting to the server…"],
  live: ["Live", "You are live."],
  reconnecting: ["Reconnecting", "The connection broke. Trying again by itself…"],
  failed: ["Off air", "The stream has stopped."],
};

function showState() {
  const state = publisher?.state ?? "idle";
  const [badge, text] = STATE_WORDS[state];
  document.body.dataset.state = state;
  at("badge").textContent = badge;
  at("badge").classList.toggle("live", state === "live");
  at("status").textContent = text;
  at("go").textContent = onAir() ? "Stop" : "Go live";
  at("go").classList.toggle("danger", onAir());
  at("outgoing").hidden = !onAir();
  device.own = onAir();
  at("share").hidden = !onAir();
  if (state === "live") marker.show(at("channel").value, at("key").value);
  else if (!onAir()) marker.show(null, null);
  for (const id of ["channel", "key", "codec", "several"]) at(id).disabled = onAir();
  if (onAir()) {
    at("link").value = new URL(`/watch/${at("channel").value}`, location.origin).href;
    at("openlink").href = at("link").value;
  } else {
    at("timer").textContent = "00:00:00";
  }
  const problem = publisher?.problem;
  if (problem) showAlert(problem.title, [problem.detail, problem.advice].filter(Boolean).join(" "));
  else hideAlert();
}

async function tick() {
  if (!onAir()) return;
  const since = publisher.liveSince;
  if (since !== null) at("timer").textContent = clockText(performance.now() - since);
  const { pc } = publisher;
  if (!pc) return;
  let figures;
  ({ figures, snapshot } = outboundFigures((await pc.getStats()).values(), snapshot));
  const { videoKbps, width, height, fps, codec, lossPercent, rttMs, limitation } = figures;
  put("o-video", videoKbps, (kbps) => `${Math.round(kbps)} kbit/s`);
  put("o-codec", codec, String);
  put("o-size", width, () => `${width} × ${height}`);
  put("o-fps", fps, (value) => `${Math.round(value)} fps`);
  put("o-loss", lossPercent, (value) => `${value.toFixed(1)} %`);
  put("o-rtt", rttMs, (value) => `${Math.round(value)} ms`);
  put("o-limit", limitation, (value) => LIMITS[value] ?? value);
  showLayers(figures.layers);
}

function showLayers(layers) {
  at("o-layersrow").hidden = layers.length === 0;
  const texts = layers.map(({ width, height, fps, kbps }) => {
    if (!(kbps > 0) || width === 0) return "not sent now";
    return `${width} × ${height}, ${Math.round(fps)} fps, ${Math.round(kbps)} kbit/s`;
  });
  at("o-layers").replaceChildren(
    ...texts.map((text) => Object.assign(document.createElement("li"), { textContent: text })),
  );
}

/** What HLS viewers lack because the server's machine is too slow. */
function showShed(renditions) {
  const names = renditions.filter(({ shed }) => shed).map(({ name }) => name);
  at("o-shedrow").hidden = names.length === 0;
  at("o-shed").textContent = `${names.join(", ")}: the server is too slow for all sizes.`;
}

const LIMITS = { none: "nothing", cpu: "this machine", bandwidth: "the network", other: "other" };

// --- source

/** Open the chosen source in the preview; false when that failed (and was said). */
async function preview() {
  const wish = {
    source: chosenSource(),
    lines: Number(at("lines").value),
    fps: Number(at("fps").value),
    camera: at("camera").value,
    mic: at("mic").value,
    clock,
  };
  let opened;
  try {
    opened = await openSource(wish);
  } catch (error) {
    showAlert("No picture.", explainSource(error, wish.source));
    return false;
  }
  const old = source;
  source = opened;
  if (onAir()) await Promise.all(opened.stream.getTracks().map((track) => publisher.replaceTrack(track)));
  old?.stop();
  at("preview").srcObject = opened.stream;
  at("veil").hidden = true;
  hideAlert();
  listen(opened.stream);
  opened.stream.getVideoTracks()[0]?.addEventListener("ended", () => sourceEnded(opened));
  fillDevices(); // names are known once a permission was given
  return true;
}

/** The camera was unplugged, or the sharing was ended in the browser's own bar. */
function sourceEnded(ended) {
  if (source !== ended) return;
  closeSource();
  if (onAir()) showAlert("The source ended.", "Choose another one: the stream goes on with it.");
}

function closeSource() {
  source?.stop();
  source = null;
  meter?.stop();
  meter = null;
  at("preview").srcObject = null;
  at("veil").hidden = false;
  at("micmute").disabled = true;
}

function listen(stream) {
  meter?.stop();
  const track = stream.getAudioTracks()[0];
  meter = track ? new SoundMeter(track, at("level")) : null;
  at("micmute").disabled = !track;
  applyMute();
}

function toggleMute() {
  muted = !muted;
  applyMute();
}

function applyMute() {
  for (const track of source?.stream.getAudioTracks() ?? []) track.enabled = !muted;
  at("micmute").setAttribute("aria-pressed", String(muted));
  at("micmute").setAttribute("aria-label", muted ? "Turn the sound on" : "Mute the sound");
  at("micmute").querySelector("use").setAttribute("href", `/static/icons.svg#${muted ? "micoff" : "mic"}`);
}

// --- settings

function changed(name) {
  if (name === "lines") {
    at("kbps").value = FAIR_KBPS[at("lines").value];
    showKbps();
  }
  if (name === "source") showSource();
  if (name === "several") severalTouched = true;
  if (name === "kbps" || name === "lines") publisher?.setBitrate(at("kbps").valueAsNumber);
  // An open preview follows; a closed one stays closed, so that no permission is asked unasked.
  if (["source", "camera", "mic", "lines", "fps"].includes(name) && (source || onAir())) preview();
  if (["channel", "key"].includes(name)) openChannel();
  remember();
}

function chosenSource() {
  return new FormData(form).get("source");
}

function showSource() {
  at("devices").hidden = chosenSource() === "card";
  at("camera").closest("label").hidden = chosenSource() === "screen";
  // A shared screen in a quarter of its size can be read by nobody.
  if (!severalTouched) at("several").checked = chosenSource() === "camera";
}

function sourceSize() {
  return source.stream.getVideoTracks()[0]?.getSettings() ?? {};
}

function showKbps() {
  at("kbpstext").textContent = `${(at("kbps").valueAsNumber / 1000).toFixed(1)} Mbit/s`;
}

function fillCodecs() {
  for (const codec of sendableCodecs()) at("codec").add(new Option(codec.replace("H264", "H.264"), codec));
}

async function fillDevices() {
  const { cameras, mics } = await listDevices();
  for (const [id, devices] of [["camera", cameras], ["mic", mics]]) {
    const select = at(id);
    const chosen = select.value;
    select.length = 1; // "Default" stays
    devices.forEach((device, i) => select.add(new Option(device.label || `Device ${i + 1}`, device.deviceId)));
    if (devices.some((device) => device.deviceId === chosen)) select.value = chosen;
  }
}

/** Channel and key from the fragment (never sent to a server), else from this tab's memory. */
function recall() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  if (location.hash) history.replaceState(null, "", location.pathname + location.search);
  let kept = {};
  try {
    kept = JSON.parse(sessionStorage.getItem(MEMORY) ?? "{}");
  } catch {
    sessionStorage.removeItem(MEMORY);
  }
  at("channel").value = fragment.get("channel") ?? kept.channel ?? at("channel").value;
  at("key").value = fragment.get("key") ?? kept.key ?? at("key").value;
  if (fragment.size > 0) remember();
  openChannel();
}

/** What the studio shows of a channel, on air or not. */
function openChannel() {
  vods.open(at("channel").value, at("key").value);
  device.watch(at("channel").value, at("key").value);
}

function remember() {
  const kept = { channel: at("channel").value, key: at("key").value };
  sessionStorage.setItem(MEMORY, JSON.stringify(kept));
}

function toggleKey() {
  const shown = at("key").type === "text";
  at("key").type = shown ? "password" : "text";
  at("showkey").textContent = shown ? "Show" : "Hide";
  at("showkey").setAttribute("aria-pressed", String(!shown));
}

async function copyLink() {
  try {
    await navigator.clipboard.writeText(at("link").value);
    at("status").textContent = "The link was copied.";
  } catch {
    at("link").select();
    at("status").textContent = "Copy the marked link with your keyboard.";
  }
}

function showAlert(title, text) {
  at("alerttitle").textContent = title;
  at("alerttext").textContent = text;
  at("alert").hidden = false;
}

function hideAlert() {
  at("alert").hidden = true;
}

function put(id, value, format) {
  at(id).textContent = value === null || value === undefined ? "–" : format(value);
}

function clockText(ms) {
  const seconds = Math.floor(ms / 1000);
  const two = (n) => String(n).padStart(2, "0");
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}
