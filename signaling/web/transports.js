// Which way the stream comes: WebRTC, low-latency HLS or plain HLS. Pure: facts in, a choice and
// its reason in words out.

/** Fastest first. */
export const TRANSPORTS = Object.freeze(["webrtc", "llhls", "hls"]);

/** What a person can wish for, with the names that the menu shows. */
export const WISHES = Object.freeze({
  auto: "Auto",
  webrtc: "Real time (WebRTC)",
  llhls: "Low delay (LL-HLS)",
  hls: "Steady (HLS)",
});

/** What each one is called where there is little room, and the delay that it usually has. */
export const SHORT_NAMES = Object.freeze({ webrtc: "Real time", llhls: "Low delay", hls: "Steady" });
const DELAYS = Object.freeze({
  webrtc: "watching in real time",
  llhls: "watching with about 2 seconds of delay",
  hls: "watching with about 7 seconds of delay",
});

const ORDERS = Object.freeze({
  auto: TRANSPORTS,
  webrtc: TRANSPORTS,
  llhls: ["llhls", "hls", "webrtc"],
  hls: ["hls", "llhls", "webrtc"],
});

const MINUTE = 60_000;

/**
 * What can be wrong with a transport: the words for it, how long it is believed, and whether it
 * is `hard`, so that even a person's wish does not hold against it.
 */
const TROUBLES = Object.freeze({
  webrtc: {
    blocked: { words: "Your network blocks WebRTC", lasts: 10 * MINUTE, hard: true },
    busy: { words: "All real-time places are taken", lasts: 2 * MINUTE, hard: true },
    refused: { words: "This browser cannot play the stream in real time", lasts: 10 * MINUTE, hard: true },
    unstable: { words: "The real-time connection kept breaking", lasts: 5 * MINUTE, hard: false },
  },
  llhls: {
    stalling: { words: "Your connection is too uneven for a low delay", lasts: 5 * MINUTE, hard: false },
  },
  hls: {},
});
const NO_WEBRTC = "This browser has no WebRTC";
const NO_PLAYER = "This browser cannot play HLS";
const NO_LOW_DELAY = "This browser's own player keeps a larger distance";
const NO_HLS_JS = "This server lacks hls.js, which HLS needs here";
const NOT_SERVED = "This channel comes in real time only";

/**
 * The player that plays HLS here: "hls.js", "native" or null. Apple's own player is the better
 * one on Apple's browsers; elsewhere the browser's own one is a stopgap.
 *
 * @param {{mse: boolean, nativeHls: boolean, apple: boolean, hlsJs: boolean|null}} browser
 *   `hlsJs`: whether the server has it; null while nobody asked for it
 */
export function hlsPlayer({ mse, nativeHls, apple, hlsJs }) {
  if (nativeHls && apple) return "native";
  if (mse && hlsJs !== false) return "hls.js";
  return nativeHls ? "native" : null;
}

/** What was wrong so far, and one thing more; `troubles` stays as it was. */
export function withTrouble(troubles, name, kind, nowMs) {
  if (!Object.hasOwn(TROUBLES[name] ?? {}, kind)) throw new RangeError(`${name} knows no trouble ${kind}`);
  return { ...troubles, [name]: { kind, at: nowMs } };
}

/**
 * The transport to take now.
 *
 * @param {object} facts
 * @param {string} facts.wish one of WISHES; the first to be tried
 * @param {boolean} facts.forced the wish holds whatever happens (`?transport=`)
 * @param {object} facts.browser {webrtc, mse, nativeHls, apple, hlsJs}
 * @param {boolean|null} facts.served whether the server offers HLS; null: not asked yet
 * @param {object} facts.troubles see withTrouble
 * @param {number} facts.nowMs
 * @returns {{name: string|null, player: string|null, reason: string}} `name` null: nothing works.
 *   `reason` is empty where the first choice was taken
 */
export function chooseTransport({ wish, forced = false, browser, served = null, troubles = {}, nowMs }) {
  const order = ORDERS[wish] ?? ORDERS.auto;
  const player = hlsPlayer(browser);
  const chosen = (name, reason) => ({ name, player: [null, "webrtc"].includes(name) ? null : player, reason });
  const able = order.filter((name) => !inability(name, browser, player, served));
  if (able.length === 0) return chosen(null, nothingWords(browser, served));
  if (forced && able.includes(wish)) return chosen(wish, "");
  const name = able.find((one) => !standing(one, one === wish, troubles, nowMs)) ?? lastResort(able, wish);
  if (name === order[0]) return chosen(name, "");
  const why = inability(order[0], browser, player, served) || troubleWords(order, name, troubles, nowMs);
  return chosen(name, why ? `${why}; ${DELAYS[name]}` : "");
}

/** Whether another transport could take over from `name` if that one got into trouble. */
export function hasAlternative(facts, name) {
  if (facts.forced) return false;
  const player = hlsPlayer(facts.browser);
  return TRANSPORTS.some(
    (one) => one !== name && !inability(one, facts.browser, player, facts.served ?? null),
  );
}

/**
 * The menu's section: one entry a wish. Empty where there is nothing to choose between.
 *
 * @returns {{id: string, name: string, note: string, checked: boolean, resting: boolean}[]}
 */
export function transportChoices({ wish, browser, served = null }, current) {
  const player = hlsPlayer(browser);
  const able = TRANSPORTS.filter((name) => !inability(name, browser, player, served));
  if (able.length < 2) return [];
  const checked = wish in WISHES ? wish : "auto";
  return Object.entries(WISHES).map(([id, name]) => {
    const resting = id !== "auto" && !able.includes(id);
    const note = id === "auto" && checked === "auto" ? (SHORT_NAMES[current] ?? "") : "";
    return { id, name, note: resting ? "not possible here" : note, checked: id === checked, resting };
  });
}

/** Why this browser and server cannot do it at all; empty when they can. */
function inability(name, browser, player, served) {
  if (name === "webrtc") return browser.webrtc ? "" : NO_WEBRTC;
  if (served === false) return NOT_SERVED;
  if (player === "native" && !browser.apple && name === "llhls") return NO_LOW_DELAY;
  if (player !== null) return "";
  return browser.mse && browser.hlsJs === false ? NO_HLS_JS : NO_PLAYER;
}

/** Why nothing is left. */
function nothingWords({ mse, hlsJs }, served) {
  if (served === false) return `${NO_WEBRTC}, and this channel comes in no other way`;
  if (mse && hlsJs === false) return `${NO_WEBRTC}, and this server lacks hls.js, which HLS needs here`;
  return "This browser can play neither WebRTC nor HLS";
}

/** The trouble that still speaks against a transport. A person's wish outweighs the soft ones. */
function standing(name, wished, troubles, nowMs) {
  const trouble = troubles[name];
  const kind = TROUBLES[name][trouble?.kind];
  if (!kind || nowMs - trouble.at >= kind.lasts) return null;
  return wished && !kind.hard ? null : kind;
}

/** All are in trouble: the steadiest one, or what was wished for. */
function lastResort(able, wish) {
  return able.includes(wish) ? wish : able.at(-1);
}

/** The newest trouble among those that were passed over on the way to `name`. */
function troubleWords(order, name, troubles, nowMs) {
  const passed = order.slice(0, order.indexOf(name)).filter((one) => standing(one, false, troubles, nowMs));
  passed.sort((a, b) => troubles[b].at - troubles[a].at);
  return passed.length > 0 ? TROUBLES[passed[0]][troubles[passed[0]].kind].words : "";
}
