// The states of a viewer, as a pure table: (state, event) -> state. No timers, no DOM, no network.
//
//   idle          nothing asked for yet
//   connecting    a session is being opened, or it is open and no picture has come
//   playing       pictures (or sound) arrive
//   reconnecting  the last picture is frozen: the publisher stalled, our path broke, we rejoin, or
//                 take the stream in another way
//   offline       the channel is not live; it starts by itself
//   failed        the server refused for a reason that trying again does not cure
//
// Only `media` leads to `playing`: what the viewer sees decides, not what a server announces.

const MOVES = Object.freeze({
  idle: { play: "connecting", refused: "failed" },
  connecting: {
    media: "playing",
    lost: "reconnecting",
    notLive: "offline",
    inactive: "offline",
    refused: "failed",
    stop: "idle",
  },
  playing: {
    stalled: "reconnecting",
    interrupted: "reconnecting",
    switched: "reconnecting",
    lost: "reconnecting",
    notLive: "offline",
    inactive: "offline",
    refused: "failed",
    stop: "idle",
  },
  reconnecting: {
    media: "playing",
    stalled: "reconnecting",
    interrupted: "reconnecting",
    switched: "reconnecting",
    lost: "reconnecting",
    notLive: "offline",
    inactive: "offline",
    refused: "failed",
    play: "connecting",
    stop: "idle",
  },
  // A session may outlive `inactive`: its publisher can come back and the pictures simply go on.
  offline: {
    media: "playing",
    active: "connecting",
    play: "connecting",
    notLive: "offline",
    refused: "failed",
    stop: "idle",
  },
  failed: { play: "connecting", stop: "idle" },
});

export const STATE_NAMES = Object.freeze(Object.keys(MOVES));

export const INITIAL = Object.freeze({ name: "idle", reason: "", attempt: 0, problem: null });

/**
 * The next state. An event that the state does not know returns the very same object, so a
 * caller can compare by identity.
 *
 * @param {{name: string, reason: string, attempt: number, problem: object|null}} state
 * @param {{type: string, problem?: object}} event
 */
export function reduce(state, event) {
  const name = MOVES[state.name]?.[event.type];
  if (name === undefined) return state;
  const problem = event.problem ?? null;
  const attempt = nextAttempt(state, event.type);
  const unchanged =
    name === state.name &&
    event.type === state.reason &&
    attempt === state.attempt &&
    problem === state.problem;
  return unchanged ? state : Object.freeze({ name, reason: event.type, attempt, problem });
}

/** Sessions lost in a row, for the backoff. Anything that is news (not a failure) starts anew. */
function nextAttempt(state, type) {
  if (type === "lost") return state.attempt + 1;
  if (type === "media" || type === "play" || type === "active" || type === "stop" || type === "switched") return 0;
  return state.attempt;
}
