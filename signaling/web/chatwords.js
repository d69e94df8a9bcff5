// What the chat says to people. Pure.

const REFUSALS = Object.freeze({
  "malformed": "The server could not read this message.",
  "too-large": "This message is too long.",
  "unknown-op": "This server does not know how to do that.",
  "not-welcome": "The chat is not connected yet.",
  "version": "This page is older than the server. Please load it again.",
  "ticket": "The chat could not let you in. It tries again by itself.",
  "rate": "That was too fast.",
  "slow": "Slow mode is on.",
  "muted": "You cannot write for a while.",
  "banned": "You cannot write here any more.",
  "subscribers-only": "Only subscribers can write right now.",
  "emote-only": "Only emotes are allowed right now.",
  "not-unique": "This was said already. Say it in other words.",
  "links": "Links are not allowed right now.",
  "text": "This text cannot be sent.",
  "reply": "The message that you answer is gone.",
  "rights": "You may not do that here.",
  "no-such": "That is gone already.",
  "poll": "This poll has ended.",
  "read-only": "You need a name to write.",
  "busy": "The chat is very busy.",
  "log": "The chat could not keep this message.",
  "lost": "The connection broke before it was sent.",
});

/** Why something was refused, and when it may pass. */
export function refusalWords({ code, detail = "", retryMs = 0 }) {
  const words = REFUSALS[code] ?? (detail || "This did not work.");
  return retryMs > 0 ? `${words} Try again in ${spanWords(retryMs)}.` : words;
}

/** "12 seconds", "3 minutes", "2 hours", "5 days": rounded up, so that nobody comes too early. */
export function spanWords(ms) {
  const seconds = Math.max(1, Math.ceil(ms / 1000));
  if (seconds < 90) return many(seconds, "second");
  if (seconds < 90 * 60) return many(Math.ceil(seconds / 60), "minute");
  if (seconds < 36 * 3600) return many(Math.ceil(seconds / 3600), "hour");
  return many(Math.ceil(seconds / 86_400), "day");
}

/** How the room talks now, in a line; empty when there is nothing to say. */
export function modeWords(modes) {
  const words = [];
  if (modes.hold) words.push("every message is looked at first");
  if (modes.subscribers_only) words.push("subscribers only");
  if (modes.emote_only) words.push("emotes only");
  if (modes.slow_s > 0) words.push(`one message each ${spanWords(modes.slow_s * 1000)}`);
  if (modes.unique) words.push("nothing twice");
  if (!modes.links) words.push("no links");
  const line = words.join(", ");
  return line && line[0].toUpperCase() + line.slice(1);
}

/** How the line stands, or "" while all is well. */
export function statusWords(status, problem) {
  const title = problem?.title?.replace(/\.$/, "");
  if (status === "connecting") return "Connecting to the chat…";
  if (status === "waiting") return title ? `${title}. Trying again…` : "The chat broke off. Trying again…";
  if (status === "away") return title ? `Out of the chat. ${title}.` : "You are out of the chat.";
  return "";
}

/** "1 person here", "about 12,000 people here". */
export function peopleWords({ count, exact }, locale) {
  const shown = new Intl.NumberFormat(locale).format(count);
  if (!exact) return `about ${shown} people here`;
  return count === 1 ? "1 person here" : `${shown} people here`;
}

/** What moderators did to people and the room, as a line among the messages. */
export function actWords(entry) {
  const by = entry.by ? ` by ${entry.by}` : "";
  switch (entry.kind) {
    case "timeout":
      return `${entry.name} cannot write for a while${by}.`;
    case "ban":
      return `${entry.name} was banned${by}.`;
    case "unban":
      return `${entry.name ?? entry.user} may write again${by}.`;
    case "mode":
      return `${modeWords(entry) || "The room talks freely again"}.${entry.by ? ` Set by ${entry.by}.` : ""}`;
    default:
      return "";
  }
}

const REASONS = Object.freeze({
  hold: "every message is looked at",
  words: "it has words of the list",
  shadow: "its sender is banned without knowing",
});

/** Why a message waits for a moderator. */
export function heldWords(why) {
  return REASONS[why] ?? why ?? "";
}

/** What a donation or subscription says above its message. */
export function alertWords(entry) {
  const name = entry.user?.name || "Somebody";
  if (entry.what === "subscription") {
    return entry.months > 1 ? `${name} has subscribed for ${entry.months} months` : `${name} subscribed`;
  }
  return `${name} gave ${entry.shown}`;
}

function many(count, noun) {
  return count === 1 ? `1 ${noun}` : `${count} ${noun}s`;
}
