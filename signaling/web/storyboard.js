// The small pictures of a recording, as its WebVTT leads to them: `sheet.jpg#xywh=160,0,160,90`. Pure.

import { cuesOf } from "./webvtt.js";

const PLACE = /^([^#\s]+)#xywh=(?:pixel:)?(\d+),(\d+),(\d+),(\d+)$/;

/**
 * @param {string} text a WebVTT file
 * @returns {{fromMs: number, toMs: number, sheet: string, x: number, y: number, width: number,
 *   height: number}[]} in order; cues that lead to no picture are left out
 */
export function parseStoryboard(text) {
  const tiles = [];
  for (const { fromMs, toMs, text: payload } of cuesOf(text)) {
    const place = PLACE.exec(payload.split("\n")[0]);
    if (!place) continue;
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
