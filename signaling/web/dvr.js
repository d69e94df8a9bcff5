// Stream time against the wall clock, and what the seek bar shows. Pure.
//
// A player counts seconds from a start of its own; EXT-X-PROGRAM-DATE-TIME says which moment (Unix
// ms) a segment shows. An anchor is one such pair: {time, date}. Between two of them both run at
// the same pace.

/** Anchors nearer to the line of the one before say nothing new. */
const SAME_MS = 20;
/** Farther behind the place where live plays is not live any more. */
const LIVE_SLACK_MS = 2500;

/**
 * The anchors of a playlist, oldest first, without those that repeat the line before.
 *
 * @param {{start: number, programDateTime: number|null}[]} fragments start in s, date in Unix ms
 * @returns {{time: number, date: number}[]}
 */
export function anchorsOf(fragments) {
  const anchors = [];
  for (const { start, programDateTime: date } of fragments) {
    if (!Number.isFinite(start) || !Number.isFinite(date)) continue;
    const last = anchors.at(-1);
    if (last && Math.abs(last.date + (start - last.time) * 1000 - date) < SAME_MS) continue;
    anchors.push({ time: start, date });
  }
  return anchors;
}

/** The moment (Unix ms) shown at a player's time (s), or null without any anchor. */
export function dateAt(anchors, time) {
  const anchor = anchors.findLast((one) => one.time <= time + 1e-3) ?? anchors[0];
  return anchor ? anchor.date + (time - anchor.time) * 1000 : null;
}

/** The player's time (s) of a moment (Unix ms), or null without any anchor. */
export function timeAt(anchors, date) {
  const anchor = anchors.findLast((one) => one.date <= date + 1) ?? anchors[0];
  return anchor ? anchor.time + (date - anchor.date) / 1000 : null;
}

/**
 * Whether a playlist has something for this time (s), and no gap.
 *
 * @param {{fragments: object[], partList: object[]|null}|null|undefined} playlist pieces with
 *   start and duration in s, and gap; parts of the newest segments say more than these
 */
export function isSent(playlist, time) {
  const holds = ({ start, duration }) => start <= time && time < start + duration;
  const piece = playlist?.partList?.find(holds) ?? playlist?.fragments.find(holds);
  return piece !== undefined && !piece.gap;
}

/** Whether a viewer at `date` watches live, where live itself plays at `liveDate`. */
export function isLive(date, liveDate) {
  return liveDate - date < LIVE_SLACK_MS;
}

/** A moment inside the window; the window's end is where live plays. */
export function clamp(date, { start, end }) {
  return Math.min(Math.max(date, start), end);
}

/** Where a moment lies in the window: 0 at its start, 1 at its end. */
export function shareOf(date, { start, end }) {
  return end > start ? (clamp(date, { start, end }) - start) / (end - start) : 1;
}

/** The time of day of a moment, as people here write it. */
export function clockTime(date, locale = undefined, timeZone = undefined) {
  const style = { hour: "2-digit", minute: "2-digit", second: "2-digit", timeZone };
  return new Intl.DateTimeFormat(locale, style).format(date);
}

/** How far behind live, such as "0:07" or "1:02:30". */
export function behindText(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const two = (value) => String(value).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return `${hours ? `${hours}:${two(minutes)}` : minutes}:${two(seconds % 60)}`;
}

/** A delay as one reads it in passing: "840 ms", "2.1 s", "12 s", "3:05". */
export function delayText(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 9950) return `${(ms / 1000).toFixed(1)} s`;
  return ms < 59_500 ? `${Math.round(ms / 1000)} s` : behindText(ms);
}
