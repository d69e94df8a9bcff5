// What the player says over the picture. Pure.

const BY_ITSELF = "It starts by itself when the channel goes live.";

/**
 * Headline and subline for a viewer's state; empty where the picture speaks for itself.
 *
 * @param {{state: object, live: boolean|null, stalled: boolean, transport: string|null}} viewer
 * @returns {[string, string]}
 */
export function stateWords({ state, live, stalled, transport }) {
  const { problem } = state;
  switch (state.name) {
    case "idle":
      return live === false
        ? ["Offline right now", "Press play: it starts by itself when the channel goes live."]
        : ["", ""];
    case "connecting":
      return ["Connecting…", ""];
    case "reconnecting":
      return problem ? [problem.title, problem.advice] : brokenWords(state, stalled, transport);
    case "offline":
      return ["Offline", BY_ITSELF];
    case "failed":
      return [problem?.title ?? "This did not work", [problem?.detail, problem?.advice].filter(Boolean).join(" ")];
    default:
      return ["", ""];
  }
}

function brokenWords({ reason }, stalled, transport) {
  if (stalled || reason === "stalled") {
    return ["The stream is interrupted", "Waiting for the publisher. It goes on by itself."];
  }
  if (reason === "switched") return ["One moment…", ""];
  if (transport !== "webrtc" && reason === "interrupted") {
    return ["Loading…", "Your connection is slow right now. It goes on by itself."];
  }
  return ["Reconnecting…", "The connection broke. It goes on by itself."];
}

/** The badge beside the title. */
export function badgeText({ state, live, stalled }) {
  if (state.name === "playing") return "Live";
  if (live === null) return "…";
  if (!live) return "Offline";
  return stalled ? "Interrupted" : "Live";
}
