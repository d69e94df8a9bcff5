// The small pictures of a recording, as its WebVTT leads to them: `sheet.jpg#xywh=160,0,160,90`. Pure.

const TIMES = /^(\S+)[ \t]+-->[ \t]+(\S+)/;
const PLACE = /^([^#\s]+)#xywh=(?:pixel:)?(\d+),(\d+),(\d+),(\d+)$/;

/**
 * @param {string} text a WebVTT file
 * @returns {{fromMs: number, toMs: number, sheet: string, x: number, y: number, width: number,
 *   height: number}[]} in order; cues that lead to no picture are left out
 */
export function parseStoryboard(text) {
  const tiles = [];
  for (const block of text.replace(/\r\n?/g, "\n").split(/\n{2,}/)) {
    const lines = block.split("\n").map((line) => line.trim());
    const at = lines.findIndex((line) => TIMES.test(line));
    if (at < 0) continue;
    const [, from, to] = TIMES.exec(lines[at]);
    const place = PLACE.exec(lines[at + 1] ?? "");
    const [fromMs, toMs] = [clockMs(from), clockMs(to)];
    if (!place || fromMs === null || toMs === null) continue;
    const [x, y, width, height] = place.slice(2).map(Number);
    if (width > 0 && height > 0) tiles.push({ fromMs, toMs, sheet: place[1], x, y, width, height });
  }
  return tiles.sort((a, b) => a.fromMs - b.fromMs);
}

/** The picture of a moment; the first one before it, null where there is none at all. */
export function tileAt(tiles, ms) {
  return tiles.findLast(({ fromMs }) => fromMs <= ms) ?? tiles[0] ?? null;
}

/** The sheets around a moment, the nearest first: what a pointer may come to next. */
export function sheetsAround(tiles, ms) {
  const sheets = [...new Set(tiles.map(({ sheet }) => sheet))];
  const at = sheets.indexOf(tileAt(tiles, ms)?.sheet);
  if (at < 0) return [];
  return [sheets[at], sheets[at + 1], sheets[at - 1]].filter((sheet) => sheet !== undefined);
}

/** "01:02:03.456" or "02:03.456" in ms; null where it is no time. */
function clockMs(text) {
  const parts = /^(?:(\d{2,}):)?([0-5]\d):([0-5]\d)\.(\d{3})$/.exec(text);
  if (!parts) return null;
  const [hours, minutes, seconds, ms] = parts.slice(1).map((part) => Number(part ?? 0));
  return ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms;
}
