// The list of live channels, looked up again every few seconds.

import { getJson, ProblemError } from "./problem.js";

const REFRESH_MS = 8000;

const list = document.getElementById("channels");
const empty = document.getElementById("empty");
const status = document.getElementById("status");

refresh();
setInterval(() => {
  if (!document.hidden) refresh();
}, REFRESH_MS);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) refresh();
});

async function refresh() {
  try {
    const { channels } = await getJson("/api/live");
    show(Array.isArray(channels) ? channels : []);
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    say(`${error.title}. ${error.advice}`);
  }
}

function show(channels) {
  const known = new Map([...list.children].map((item) => [item.dataset.channel, item]));
  for (const channel of channels) {
    const item = known.get(channel.channel) ?? newItem(channel.channel);
    known.delete(channel.channel);
    fill(item, channel);
  }
  for (const gone of known.values()) gone.remove();
  empty.hidden = channels.length > 0;
  list.hidden = channels.length === 0;
  say(channels.length === 0 ? "" : count(channels.length, "channel is live", "channels are live"));
}

// Cards are kept and refilled, so that focus and screen readers stay where they are.
function newItem(channel) {
  const item = document.createElement("li");
  item.dataset.channel = channel;
  const link = document.createElement("a");
  link.className = "card";
  link.href = `/watch/${encodeURIComponent(channel)}`;
  for (const name of ["shot", "name", "facts"]) {
    const part = document.createElement("span");
    part.className = name;
    link.append(part);
  }
  const badge = document.createElement("span");
  badge.className = "badge live";
  badge.textContent = "Live";
  link.querySelector(".shot").append(badge);
  const past = document.createElement("a");
  past.className = "past";
  past.href = `/channel/${encodeURIComponent(channel)}`;
  past.textContent = "Past broadcasts";
  past.setAttribute("aria-label", `Past broadcasts of ${channel}`);
  item.append(link, past);
  list.append(item);
  return item;
}

function fill(item, { channel, title, viewers, since_ms: sinceMs }) {
  set(item.querySelector(".name"), title || channel);
  const facts = [count(viewers ?? 0, "viewer", "viewers")];
  if (Number.isFinite(sinceMs)) facts.push(`live for ${duration(Date.now() - sinceMs)}`);
  set(item.querySelector(".facts"), facts.join(" · "));
}

function duration(ms) {
  const minutes = Math.max(0, Math.floor(ms / 60_000));
  if (minutes < 1) return "less than a minute";
  if (minutes < 60) return count(minutes, "minute", "minutes");
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function count(n, one, many) {
  return `${n} ${n === 1 ? one : many}`;
}

function say(text) {
  set(status, text);
}

function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
