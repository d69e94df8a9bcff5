// The button for captions. Whether there are any is asked when the picture has had its turn, and what
// shows them is fetched when somebody wants them.

import { getJson, ProblemError } from "./problem.js";
import { recall, remember } from "./preference.js";

const MEMORY = "sluice.captions";
const LOOK_MS = 500;
/** When to ask, from the moment on that the picture plays: captions may begin later than it. */
const ASK_AT_MS = Object.freeze([3000, 20_000, 60_000]);

/** Whether to ask now: `sinceMs`, how long the viewer has been in `state`; `asked`, how often. Pure. */
export function mayAsk(state, sinceMs, asked) {
  return state === "playing" && asked < ASK_AT_MS.length && sinceMs >= ASK_AT_MS[asked];
}

/**
 * @param {object} page
 * @param {object} page.viewer a ChannelViewer
 * @param {object} page.clock the server's clock
 * @param {string} page.channel
 * @param {string|null} page.token a viewer token
 * @param {() => number|null} page.position the moment on the screen, Unix ms
 * @returns {{toggle: () => void, surface: object}} `surface` as in surface.js
 */
export function lateCaptions({ viewer, clock, channel, token, position }) {
  const button = document.getElementById("captions");
  const overlay = document.getElementById("captionlines");
  let languages = [];
  let on = recall(MEMORY) === "on";
  let live = null;
  let turn = 0; // of the viewer's wishes: an import may come too late
  const shown = [];
  let [state, since, asked] = [null, 0, 0];

  const show = () => {
    button.hidden = languages.length === 0;
    if (button.hidden) return;
    button.setAttribute("aria-pressed", String(on));
    const icon = on ? "captionson" : "captions";
    button.querySelector("use").setAttribute("href", `/static/vodicons.svg#${icon}`);
  };
  const restart = () => {
    const now = ++turn;
    live?.close();
    live = null;
    show();
    if (!on || languages.length === 0) return;
    const [language] = languages;
    const begin = ({ LiveCaptions }) => {
      if (now !== turn) return;
      live = new LiveCaptions({ overlay, clock, channel, token, language, position, shown, onGone: () => know([]) });
    };
    // The line broke, or the page is about to close: whoever presses the button again tries again.
    import("./livecaptions.js").then(begin, () => {});
  };
  const know = (list) => {
    languages = list;
    restart();
  };
  const ask = async () => {
    asked += 1;
    try {
      const { captions } = await getJson(`/api/channels/${encodeURIComponent(channel)}/state`);
      if (state === "playing" && languages.length === 0 && captions?.length > 0) know(captions);
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error; // else there is a next time
    }
  };
  setInterval(() => {
    if (viewer.state.name !== state) [state, since, asked] = [viewer.state.name, performance.now(), 0];
    if (["idle", "offline", "failed"].includes(state) && languages.length > 0) know([]);
    if (languages.length === 0 && mayAsk(state, performance.now() - since, asked)) ask();
  }, LOOK_MS);
  // Another session may stand at another moment, or in another broadcast.
  viewer.addEventListener("session", () => live !== null && restart());

  return {
    toggle: () => {
      if (languages.length === 0) return;
      on = !on;
      remember(MEMORY, on ? "on" : null);
      restart();
    },
    surface: Object.freeze({
      get languages() {
        return [...languages];
      },
      get on() {
        return on;
      },
      get shown() {
        return shown.map((cue) => ({ ...cue }));
      },
    }),
  };
}
