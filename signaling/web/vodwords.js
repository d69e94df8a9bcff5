// What the pages of recordings say: times, dates, sizes and how things stand. Pure.

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** A place in a recording as players write it: "0:07", "12:04", "1:02:30". */
export function timeText(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (value) => String(value).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return `${hours ? `${hours}:${two(minutes)}` : minutes}:${two(seconds % 60)}`;
}

/** The same as one says it: "1 hour 2 minutes 30 seconds". */
export function spokenTime(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const parts = [
    [Math.floor(seconds / 3600), "hour"],
    [Math.floor(seconds / 60) % 60, "minute"],
    [seconds % 60, "second"],
  ];
  const said = parts.filter(([count]) => count > 0).map(([count, noun]) => many(count, noun));
  return said.length > 0 ? said.join(" ") : "0 seconds";
}

/** A date as people here write it, with the year where it is another one. */
export function dateText(unixMs, nowMs, locale = undefined, timeZone = undefined) {
  const year = (ms) => new Intl.DateTimeFormat("en", { year: "numeric", timeZone }).format(ms);
  const style = { day: "numeric", month: "long", timeZone };
  if (year(unixMs) !== year(nowMs)) style.year = "numeric";
  return new Intl.DateTimeFormat(locale, style).format(unixMs);
}

/** How long ago, in the largest unit that says something: "5 minutes ago", "yesterday". */
export function agoText(unixMs, nowMs, locale = undefined) {
  const ago = Math.max(0, nowMs - unixMs);
  const words = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  if (ago < MINUTE_MS) return words.format(0, "second");
  if (ago < 60 * MINUTE_MS) return words.format(-Math.floor(ago / MINUTE_MS), "minute");
  if (ago < DAY_MS) return words.format(-Math.floor(ago / (60 * MINUTE_MS)), "hour");
  const days = Math.floor(ago / DAY_MS);
  if (days < 14) return words.format(-days, "day");
  if (days < 60) return words.format(-Math.floor(days / 7), "week");
  if (days < 730) return words.format(-Math.floor(days / 30.44), "month");
  return words.format(-Math.floor(days / 365.25), "year");
}

/** "231 MB", "1.4 GB". */
export function sizeText(bytes) {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return bytes >= 1e6 ? `${Math.round(bytes / 1e6)} MB` : `${Math.max(1, Math.round(bytes / 1e3))} kB`;
}

/** "1×", "1.25×". */
export function speedText(rate) {
  return `${rate}×`;
}

const JOBS = Object.freeze({
  mp4: "One file to download",
  storyboard: "Pictures for the seek bar",
  poster: "Poster",
  chapters: "Chapters",
  captions: "Captions",
  clip: "Clip",
});

/** How a job stands, in a line. */
export function jobWords({ kind, state, progress, error }) {
  const name = JOBS[kind] ?? kind;
  if (state === "failed") return `${name}: failed. ${error ?? ""}`.trim();
  if (state === "done") return `${name}: done`;
  return state === "running" ? `${name}: ${percent(progress)}` : `${name}: waits`;
}

/** How a clip stands while there is nothing to watch yet. */
export function clipWords({ state, progress }) {
  if (state === "failed") return "The clip could not be made.";
  if (state === "ready") return "The clip is ready.";
  return progress > 0 ? `The clip is being made: ${percent(progress)}` : "The clip is being made…";
}

/** "1 clip", "3 clips". */
export function many(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function percent(share) {
  return `${Math.round(Math.min(1, Math.max(0, share)) * 100)} %`;
}
