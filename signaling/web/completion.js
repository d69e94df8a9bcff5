// Tab finishes a name or an emote that was begun. Pure.

/** Shorter beginnings would match everything. */
const BEGUN = /(^|\s)([@:])([\p{L}\p{M}\p{N}_.-]{1,64})$/u;

/**
 * @param {string} text
 * @param {number} caret where the writer is
 * @param {{names: string[], emotes: string[]}} known names with the latest speaker first
 * @returns {{from: number, to: number, choices: string[]}|null} what may stand from `from` to `to`;
 *   null where nothing was begun, and Tab is what it always is
 */
export function completionAt(text, caret, { names, emotes }) {
  const begun = BEGUN.exec(text.slice(0, caret));
  if (!begun) return null;
  const [, , sign, start] = begun;
  const small = start.toLowerCase();
  const found = (sign === "@" ? names : emotes).filter((one) => one.toLowerCase().startsWith(small));
  const choices = found.map((one) => (sign === "@" ? `@${one} ` : `:${one}: `));
  return choices.length === 0 ? null : { from: caret - start.length - 1, to: caret, choices };
}
