// Captions as they are drawn over the picture, above the controls.

import { make } from "./elements.js";

/**
 * Show these cues and no others.
 *
 * @param {HTMLElement} overlay
 * @param {VTTCue[]} cues
 * @param {string|undefined} language
 * @returns {HTMLElement[]} the lines
 */
export function drawCues(overlay, cues, language) {
  const lines = cues.map((cue) => make("p", { lang: language }, make("span", {}, cue.getCueAsHTML())));
  overlay.replaceChildren(...lines);
  return lines;
}
