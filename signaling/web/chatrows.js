// One entry of the room as a line in the list.

import { echoParts, emoteLook, hueOf, mentions, safeLink } from "./chatparts.js";
import { actWords, alertWords, refusalWords } from "./chatwords.js";
import { button, icon, make } from "./elements.js";

const BADGES = Object.freeze({
  owner: ["crown", "Host"],
  moderator: ["shield", "Moderator"],
  subscriber: ["star", "Subscriber"],
  bot: ["bot", "Bot"],
});

/**
 * @param {object} entry
 * @param {object} room {emotes, you, removalOf, deletedBy, isStaff} of a ChatRoom
 * @param {{reply?: (entry) => void, menu?: (entry) => void}} acts none of them where one only reads
 */
export function rowOf(entry, room, acts) {
  if (entry.kind === "alert") return alertRow(entry, room);
  if (entry.kind !== "message") return make("li", { class: "line quiet" }, whenOf(entry), actWords(entry));
  const row = make("li", { class: "line message", tabindex: "-1" });
  if (room.removalOf(entry) === "deleted") {
    row.append(whenOf(entry), ...nameParts(entry.user), removedWords(entry, room));
    row.classList.add("removed");
    return row;
  }
  row.classList.toggle("mention", mentions(entry, room.you.id) || entry.reply?.name === room.you.name);
  if (entry.reply) row.append(replyLine(entry.reply));
  row.append(whenOf(entry), ...nameParts(entry.user), make("span", { class: "said" }, ...partNodes(entry.parts ?? [{ t: "text", v: entry.text }], room)));
  if (!acts.menu) return row;
  row.append(
    make("span", { class: "acts" },
      button(`Reply to ${entry.user.name}`, () => acts.reply(entry), { icon: "reply", tabindex: "-1" }),
      button(`More about the message of ${entry.user.name}`, () => acts.menu(entry), { icon: "more", tabindex: "-1" }),
    ),
  );
  return row;
}

/** An own message that is not in the room yet. `acts`: {edit, discard} of a refused one. */
export function echoRow(echo, room, acts) {
  const row = make("li", { class: "line message echo", "data-state": echo.state });
  if (echo.reply) row.append(replyLine(echo.reply));
  const parts = partNodes(echoParts(echo.text, room.emotes), room);
  row.append(...nameParts({ id: room.you.id ?? "", name: room.you.name, roles: room.you.roles }), make("span", { class: "said" }, ...parts));
  if (echo.state === "held") {
    row.append(make("small", {}, "A moderator looks at it first."), button("Hide", () => acts.discard(echo), { class: "text" }));
  }
  if (echo.state === "refused") {
    row.append(
      make("small", { class: "fault" }, refusalWords(echo.error)),
      button("Change it", () => acts.edit(echo), { class: "text" }),
      button("Discard", () => acts.discard(echo), { class: "text" }),
    );
  }
  return row;
}

/** Parts of a message as nodes. Strangers' text is text, whatever it looks like. */
export function partNodes(parts, { emotes, you }) {
  return parts.map((part) => {
    if (part.t === "emote") return emoteNode(part.v, emotes);
    if (part.t === "mention") return make("span", { class: part.v === you.id ? "at me" : "at" }, `@${part.n}`);
    const href = part.t === "link" ? safeLink(part.v) : null;
    if (href === null) return document.createTextNode(String(part.v ?? ""));
    return make("a", { href, target: "_blank", rel: "noopener noreferrer nofollow ugc" }, part.v);
  });
}

export function emoteNode(name, emotes) {
  const { image, text } = emoteLook(name, emotes);
  if (image) return make("img", { class: "emote", src: image, alt: `:${name}:`, title: `:${name}:`, loading: "lazy" });
  return make("span", { class: "emote", title: `:${name}:` }, text);
}

function alertRow(entry, room) {
  const row = make("li", { class: `line alertcard ${entry.what}` },
    make("p", { class: "what" }, icon(entry.what === "subscription" ? "star" : "gift"), make("strong", {}, alertWords(entry)), whenOf(entry)),
  );
  if (room.removalOf(entry) !== null) return row;
  const parts = entry.parts?.length ? partNodes(entry.parts, room) : entry.text ? [entry.text] : [];
  if (parts.length > 0) row.append(make("p", { class: "said" }, ...parts));
  return row;
}

function nameParts(user) {
  const roles = (user.roles ?? []).filter((role) => Object.hasOwn(BADGES, role));
  const badges = roles.map((role) => {
    const [name, label] = BADGES[role];
    return make("span", { class: `mark ${role}`, role: "img", "aria-label": label, title: label }, icon(name));
  });
  const known = new Set(roles);
  const more = (user.badges ?? []).filter((badge) => !known.has(badge));
  const who = make("b", { class: "who" }, user.name);
  who.style.setProperty("--hue", String(hueOf(user.id)));
  return [...badges, ...more.map((badge) => make("span", { class: "mark text" }, badge)), who];
}

function replyLine({ name, text }) {
  return make("p", { class: "answered" }, icon("reply"), make("span", {}, `${name}: ${text}`));
}

function removedWords(entry, room) {
  const by = room.isStaff ? room.deletedBy(entry) : "";
  return make("span", { class: "said" }, by ? `Message removed by ${by}` : "Message removed");
}

function whenOf({ t }) {
  const when = make("time", { class: "when", datetime: new Date(t).toISOString() });
  when.textContent = TIME.format(t);
  return when;
}

const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
