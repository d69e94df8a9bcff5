// The buttons and keys of a recording's player. They act on the video element and on what is given.

const IDLE_MS = 2600;
const VOLUME_STEP = 0.1;
const SHORT_MS = 5000;
const LONG_MS = 10_000;
export const SPEEDS = Object.freeze([0.5, 0.75, 1, 1.25, 1.5, 1.75, 2]);

/** The speed above or below this one; the same at the end of the ladder. Pure. */
export function nextSpeed(rate, step) {
  const at = SPEEDS.findIndex((speed) => speed >= rate - 1e-6);
  const from = at < 0 ? SPEEDS.length - 1 : at;
  return SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, from + step))];
}

/**
 * @param {HTMLVideoElement} video
 * @param {object} actions
 * @param {() => void} actions.toggle plays or pauses
 * @param {(ms: number) => void} actions.step goes forth, or back where negative
 * @param {(share: number) => void} actions.jump to a share of the whole, 0 to 1
 * @param {(step: number) => void} actions.speed to the next speed, 1 or -1
 * @param {() => void} actions.captions shows or hides them
 * @param {() => void} actions.quality opens the menu
 * @param {() => void} actions.clip opens the dialog
 */
export function bindVodControls(video, actions) {
  const at = (id) => document.getElementById(id);
  const stage = at("stage");
  const help = at("shortcuts");

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

  at("start").addEventListener("click", actions.toggle);
  at("pause").addEventListener("click", actions.toggle);
  at("back").addEventListener("click", () => actions.step(-LONG_MS));
  at("forth").addEventListener("click", () => actions.step(LONG_MS));
  at("mute").addEventListener("click", toggleMute);
  at("fullscreen").addEventListener("click", toggleFullscreen);
  at("pip").addEventListener("click", togglePip);
  at("help").addEventListener("click", toggleHelp);
  at("volume").addEventListener("input", (event) => {
    video.volume = event.target.valueAsNumber / 100;
    video.muted = video.volume === 0;
  });
  // On a screen that is touched the first touch only shows the controls.
  let slept = false;
  stage.addEventListener("pointerdown", () => (slept = stage.classList.contains("asleep")), true);
  video.addEventListener("click", ({ pointerType }) => {
    if (pointerType !== "touch" || !slept) actions.toggle();
  });
  video.addEventListener("dblclick", toggleFullscreen);

  const keys = {
    " ": actions.toggle,
    k: actions.toggle,
    j: () => actions.step(-LONG_MS),
    l: () => actions.step(LONG_MS),
    ArrowLeft: () => actions.step(-SHORT_MS),
    ArrowRight: () => actions.step(SHORT_MS),
    ArrowUp: () => louder(VOLUME_STEP),
    ArrowDown: () => louder(-VOLUME_STEP),
    m: toggleMute,
    f: toggleFullscreen,
    p: togglePip,
    c: actions.captions,
    q: actions.quality,
    x: actions.clip,
    "<": () => actions.speed(-1),
    ">": () => actions.speed(1),
    Home: () => actions.jump(0),
    End: () => actions.jump(1),
    "?": toggleHelp,
  };
  for (let digit = 0; digit < 10; digit += 1) keys[digit] = () => actions.jump(digit / 10);
  const repeatable = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "j", "l"];
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (help.open && event.key !== "?") return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (event.repeat && !repeatable.includes(key)) return;
    // Where people write, and in what lies over the player, keys are not the player's.
    if (event.target.closest?.("dialog:not(#shortcuts), input:not([type=range]), textarea, select")) return;
    const moves = event.key.startsWith("Arrow") || ["Home", "End"].includes(event.key);
    if (moves && event.target.closest?.("input")) return;
    if (event.key === " " && event.target.closest?.("button, a, input")) return;
    if (!Object.hasOwn(keys, key)) return;
    event.preventDefault();
    keys[key]();
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
  };
  let idleTimer = null;
  const wake = () => {
    stage.classList.remove("asleep");
    clearTimeout(idleTimer);
    // What stands still is looked at with its controls.
    if (!video.paused) idleTimer = setTimeout(() => stage.classList.add("asleep"), IDLE_MS);
  };
  const showPlay = () => {
    icon("pause", video.paused ? "play" : "pause", video.paused ? "Play" : "Pause");
    wake();
  };
  for (const name of ["pointermove", "pointerdown", "focusin"]) stage.addEventListener(name, wake);
  video.addEventListener("volumechange", showSound);
  video.addEventListener("play", showPlay);
  video.addEventListener("pause", showPlay);
  at("pip").hidden = !document.pictureInPictureEnabled;
  showSound();
  showPlay();
}
