// WebVTT as far as our server writes it: times and what stands below them. Pure. What a cue's text
// means is the browser's to say (VTTCue.getCueAsHTML).

const TIMES = /^(\S+)[ \t]+-->[ \t]+(\S+)/;

/**
 * @param {string} text a WebVTT file
 * @returns {{fromMs: number, toMs: number, text: string}[]} as they stand there; what has no proper
 *   times is left out
 */
export function cuesOf(text) {
  const cues = [];
  for (const block of text.replace(/\r\n?/g, "\n").split(/\n{2,}/)) {
    const lines = block.split("\n").map((line) => line.trim());
    const at = lines.findIndex((line) => TIMES.test(line));
    if (at < 0) continue;
    const [fromMs, toMs] = TIMES.exec(lines[at]).slice(1).map(clockMs);
    if (fromMs === null || toMs === null) continue;
    cues.push({ fromMs, toMs, text: lines.slice(at + 1).filter(Boolean).join("\n") });
  }
  return cues;
}

/** "01:02:03.456" or "02:03.456" in ms; null where it is no time. */
function clockMs(text) {
  const parts = /^(?:(\d{2,}):)?([0-5]\d):([0-5]\d)\.(\d{3})$/.exec(text);
  if (!parts) return null;
  const [hours, minutes, seconds, ms] = parts.slice(1).map((part) => Number(part ?? 0));
  return ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms;
}
