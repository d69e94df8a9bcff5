// Brings the chat when the picture has had its turn, and a little at a time. Its modules are as many
// as the player's: before the picture they would hold it up by a second on a narrow line, and all
// at once beside it they would take that line away from it.

/** The picture has played for so long. */
const SETTLED_MS = 3000;
/** Nothing plays: then nothing is waited for much longer. */
const ALONE_MS = 1000;
const LOOK_MS = 250;
/** After each module so many times as long as it took: a quarter of the line at most. */
const REST = 3;
const LONGEST_REST_MS = 3000;

/** All that the page has not got by itself, what others need first. latechat.test.js holds it. */
export const MODULES = Object.freeze([
  "elements", "chatparts", "removals", "ranges", "reactions", "showqueue", "chatwords", "money", "till",
  "position", "heartlayer", "announcer", "chatsettings", "chatidentity", "chatclient", "chatsocket",
  "chatconnection", "completion", "chatrows", "emotepicker", "messagemenu", "chatlist", "composer", "roombar",
  "chatroom", "chatpanel", "donate", "watchchat",
]);

/** Whether the chat may come: `sinceMs`, how long the viewer has been in `state`. Pure. */
export function mayCome(state, sinceMs) {
  if (state === "playing") return sinceMs >= SETTLED_MS;
  return ["idle", "offline", "failed"].includes(state) && sinceMs >= ALONE_MS;
}

/** How long to leave the line alone after something that took `ms`. Pure. */
export function restMs(ms) {
  return Math.min(LONGEST_REST_MS, REST * ms);
}

/**
 * @param {object} page as bindChat in watchchat.js takes it
 * @returns {{takeFigures: (figures: object) => void, focus: () => void, surface: object}} the same as
 *   bindChat, with an empty surface until it is there
 */
export function lateChat(page) {
  const { viewer } = page;
  let chat = null;
  let coming = null;
  let state = null;
  let since = 0;
  const come = () => {
    coming ??= bring(() => viewer.state.name === "playing").then(
      ({ bindChat }) => (chat = bindChat(page)),
      () => {
        // The line broke meanwhile, or the page is about to close: try again.
        [coming, since] = [null, performance.now()];
      },
    );
    return coming;
  };
  setInterval(() => {
    if (viewer.state.name !== state) [state, since] = [viewer.state.name, performance.now()];
    if (chat === null && mayCome(state, performance.now() - since)) come();
  }, LOOK_MS);
  const shown = (name, otherwise) => ({ enumerable: true, get: () => (chat === null ? otherwise : chat.surface[name]) });
  const surface = {};
  const empty = { status: "off", transport: null, position: null, place: null, figures: {}, shown: [] };
  for (const [name, otherwise] of Object.entries(empty)) Object.defineProperty(surface, name, shown(name, otherwise));
  return {
    focus: () => come().then(() => chat?.focus()),
    takeFigures: (figures) => chat?.takeFigures(figures),
    surface: Object.freeze(surface),
  };
}

/** One module after the other, gently while something plays. What fails here fails in the import. */
async function bring(plays) {
  for (const name of MODULES) {
    const began = performance.now();
    await preloaded(`/static/${name}.js`);
    if (plays()) await new Promise((go) => setTimeout(go, restMs(performance.now() - began)));
  }
  return import("./watchchat.js");
}

function preloaded(href) {
  return new Promise((done) => {
    const link = Object.assign(document.createElement("link"), { rel: "modulepreload", href, fetchPriority: "low" });
    link.addEventListener("load", done);
    link.addEventListener("error", done);
    document.head.append(link);
  });
}
