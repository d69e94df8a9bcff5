// The player's buttons and keys. They act on the video element; what plays is none of their
// business.

const IDLE_MS = 2600;
const VOLUME_STEP = 0.1;
const TIME_STEP_MS = 10_000;

/**
 * @param {HTMLVideoElement} video
 * @param {{start: () => void, togglePanel: () => void, toggleQuality: () => void,
 *   step: (ms: number) => void, goLive: () => void, write: () => void, captions: () => void}} actions `start` is asked to play while nothing
 *   was started yet; `step` to go back or forth in time
 * @returns {{showSound: () => void}} to call after muting from outside: browsers do not announce
 *   that while the element is still empty
 */
export function bindControls(video, actions) {
  const at = (id) => document.getElementById(id);
  const stage = at("stage");
  const help = at("shortcuts");

  const togglePlay = () => {
    if (document.body.dataset.state === "idle") actions.start();
    else if (video.paused) video.play().catch(() => {});
    else video.pause();
  };
  const toggleMute = () => {
    video.muted = !video.muted;
    if (!video.muted && video.volume === 0) video.volume = 1;
  };
  const toggleFullscreen = () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (stage.requestFullscreen) stage.requestFullscreen().catch(() => {});
    else video.webkitEnterFullscreen?.(); // phones that give it to the video alone
  };
  const togglePip = () => {
    if (document.pictureInPictureElement) document.exitPictureInPicture();
    else if (document.pictureInPictureEnabled) video.requestPictureInPicture().catch(() => {});
  };
  const louder = (step) => {
    video.volume = Math.min(1, Math.max(0, video.volume + step));
    video.muted = video.volume === 0;
  };
  const toggleHelp = () => (help.open ? help.close() : help.showModal());

  at("start").addEventListener("click", actions.start);
  at("pause").addEventListener("click", togglePlay);
  at("mute").addEventListener("click", toggleMute);
  at("unmute").addEventListener("click", toggleMute);
  at("fullscreen").addEventListener("click", toggleFullscreen);
  at("pip").addEventListener("click", togglePip);
  at("rewind").addEventListener("click", () => actions.step(-TIME_STEP_MS));
  at("panelbutton").addEventListener("click", actions.togglePanel);
  at("chip").addEventListener("click", actions.togglePanel);
  at("captions").addEventListener("click", actions.captions);
  at("help").addEventListener("click", toggleHelp);
  at("volume").addEventListener("input", (event) => {
    video.volume = event.target.valueAsNumber / 100;
    video.muted = video.volume === 0;
  });
  video.addEventListener("click", togglePlay);
  video.addEventListener("dblclick", toggleFullscreen);

  const keys = {
    " ": togglePlay,
    k: togglePlay,
    m: toggleMute,
    f: toggleFullscreen,
    p: togglePip,
    i: actions.togglePanel,
    q: actions.toggleQuality,
    "?": toggleHelp,
    l: actions.goLive,
    c: actions.captions,
    t: actions.write,
    ArrowLeft: () => actions.step(-TIME_STEP_MS),
    ArrowRight: () => actions.step(TIME_STEP_MS),
    ArrowUp: () => louder(VOLUME_STEP),
    ArrowDown: () => louder(-VOLUME_STEP),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (help.open && event.key !== "?") return;
    // Where people write, and in what lies over the player, keys are not the player's.
    if (event.target.closest?.(".chat, dialog:not(#shortcuts)")) return;
    const target = event.target.closest?.("button, a, input, select, textarea");
    // A focused control keeps its own keys: Space presses it, arrows move a slider.
    if (target && (event.key === " " || event.key.startsWith("Arrow"))) return;
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    act();
    wake();
  });

  const icon = (button, name, label) => {
    at(button).querySelector("use").setAttribute("href", `/static/icons.svg#${name}`);
    at(button).setAttribute("aria-label", label);
  };
  const showSound = () => {
    const silent = video.muted || video.volume === 0;
    icon("mute", silent ? "muted" : "volume", silent ? "Sound on" : "Mute");
    at("volume").value = String(Math.round(silent ? 0 : video.volume * 100));
    if (!silent) at("unmute").hidden = true;
  };
  const showPlay = () => icon("pause", video.paused ? "play" : "pause", video.paused ? "Play" : "Pause");
  video.addEventListener("volumechange", showSound);
  video.addEventListener("play", showPlay);
  video.addEventListener("pause", showPlay);
  at("pip").hidden = !document.pictureInPictureEnabled;

  let idleTimer = null;
  const wake = () => {
    stage.classList.remove("asleep");
    clearTimeout(idleTimer);
    idleTimer = setTimeout(() => stage.classList.add("asleep"), IDLE_MS);
  };
  for (const name of ["pointermove", "pointerdown", "focusin"]) stage.addEventListener(name, wake);
  showSound();
  showPlay();
  return { showSound };
}
