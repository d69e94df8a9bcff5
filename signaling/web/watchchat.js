// The chat of the watch page: on the viewer's own stream time, over the viewer's own session.

import { ChatPanel } from "./chatpanel.js";
import { DonateDialog } from "./donate.js";
import { HeartLayer } from "./heartlayer.js";
import { PlayerPosition } from "./position.js";

/**
 * @param {object} page
 * @param {object} page.viewer a ChannelViewer
 * @param {HTMLVideoElement} page.video
 * @param {object} page.clock the server's clock
 * @param {string} page.channel
 * @param {string|null} page.token a viewer token
 * @returns {{takeFigures: (figures: object) => void, focus: () => void, surface: object}} `takeFigures`
 *   once a second with the figures of a WebRTC session; `surface` for tests (see surface.js)
 */
export function bindChat({ viewer, video, clock, channel, token }) {
  const at = (id) => document.getElementById(id);
  const player = new PlayerPosition();
  const overRtc = () => viewer.transport === "webrtc";
  const position = () => {
    const playingMs = overRtc() ? undefined : (viewer.session?.playingMs ?? null);
    return player.at({ state: viewer.state.name, paused: video.paused, playingMs }, clock.at());
  };
  const donate = new DonateDialog({ channel, token, identity: () => panel.identity.token, seen: position });
  const panel = new ChatPanel(at("chat"), {
    channel,
    pass: () => token,
    clock,
    position,
    hearts: new HeartLayer(at("hearts")),
    support: () => donate.open(panel.room),
  });
  takeNameFromAddress(panel.identity);
  donate.isThere().then((there) => (panel.supported = there));
  viewer.addEventListener("session", () => {
    player.reset();
    panel.connection.useChannels(viewer.session.chatChannels ?? null);
  });
  viewer.addEventListener("drop", () => panel.connection.useChannels(null));
  window.addEventListener("pagehide", () => panel.close());
  window.addEventListener("pageshow", (event) => event.persisted && panel.open());
  panel.open();
  panel.connection.useChannels(viewer.session?.chatChannels ?? null); // it may have begun before us
  return {
    focus: () => panel.focus(),
    takeFigures: (figures) => player.take(figures, clock.at()),
    surface: Object.freeze({
      get status() {
        return panel.connection.status;
      },
      get transport() {
        return panel.connection.transport;
      },
      get position() {
        return position();
      },
      get place() {
        return panel.connection.client.position;
      },
      get figures() {
        return panel.room.figures;
      },
      get shown() {
        return panel.shown.map((entry) => ({ ...entry }));
      },
    }),
  };
}

/**
 * An app that knows its people leads them here with `#user=` and their token, which no server
 * gets to see in an address.
 */
function takeNameFromAddress(identity) {
  const user = new URLSearchParams(location.hash.slice(1)).get("user");
  if (user === null) return;
  identity.use(user);
  history.replaceState(null, "", location.pathname + location.search);
}
