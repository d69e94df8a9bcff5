// The parts that a message is made of: text, emotes, mentions and links. Pure. The server takes
// messages apart; here is what this page does with the parts, and with messages still on their way.

const EMOTE = /:([a-z0-9_]{1,24}):/g;

/** An own message that the server has not taken apart yet. */
export function echoParts(text, emotes) {
  const parts = [];
  let at = 0;
  for (const match of text.matchAll(EMOTE)) {
    if (!Object.hasOwn(emotes, match[1])) continue;
    if (match.index > at) parts.push({ t: "text", v: text.slice(at, match.index) });
    parts.push({ t: "emote", v: match[1] });
    at = match.index + match[0].length;
  }
  if (at < text.length) parts.push({ t: "text", v: text.slice(at) });
  return parts;
}

/** How an emote is shown: {image} an address of this server, or {text}. */
export function emoteLook(name, emotes) {
  const look = Object.hasOwn(emotes, name) ? emotes[name] : null;
  if (look === null) return { text: `:${name}:` };
  if (/^\/static\/[\w./-]+$/.test(look) || /^https:/.test(look)) return { image: look };
  return { text: look };
}

/** The address of a link, or null where it is nothing that one should open. */
export function safeLink(address) {
  try {
    const url = new URL(address);
    return url.protocol === "https:" ? url.href : null;
  } catch {
    return null;
  }
}

/** Whether the message speaks to this person. */
export function mentions(entry, userId) {
  return userId !== null && (entry.parts ?? []).some(({ t, v }) => t === "mention" && v === userId);
}

/** How many characters a person would count. */
export function graphemes(text) {
  if (typeof Intl.Segmenter !== "function") return [...text].length;
  let count = 0;
  for (const _ of new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(text)) count += 1;
  return count;
}

/** A colour for a name, the same for everybody: degrees on the circle of hues. */
export function hueOf(userId) {
  let hash = 7;
  for (const char of userId) hash = (hash * 31 + char.codePointAt(0)) % 3600;
  return hash % 360;
}
