// Recordings and clips as cards in a list: a picture, how long, what and when.

import { make } from "./elements.js";
import { clipLink, fileLink, vodLink } from "./pagelinks.js";
import { agoText, dateText, spokenTime, timeText } from "./vodwords.js";

/** @param {object} vod a VodView @param {string|null} token a viewer token */
export function vodCard(vod, token) {
  const live = vod.state === "recording";
  const facts = live ? ["live now"] : [dateText(vod.began_ms, Date.now()), agoText(vod.began_ms, Date.now())];
  if (vod.state === "trouble") facts.push("incomplete");
  return card({
    id: vod.id,
    href: vodLink(vod.id, { token }),
    picture: vod.poster,
    lengthMs: live ? null : vod.duration_ms,
    mark: live ? make("span", { class: "badge live" }, "Live") : null,
    name: vod.title || vod.channel,
    facts,
  });
}

/** @param {object} clip a ClipView @param {string|null} token a viewer token */
export function clipCard(clip, token) {
  const facts = [clip.by ? `by ${clip.by}` : "", agoText(clip.created_ms, Date.now())];
  if (clip.state === "making") facts.push("being made");
  if (clip.state === "failed") facts.push("failed");
  return card({
    id: clip.id,
    href: clipLink(clip.id, token),
    picture: fileLink(clip.poster, token),
    lengthMs: clip.to_ms - clip.from_ms,
    mark: null,
    name: clip.title || "Clip",
    facts,
  });
}

function card({ id, href, picture, lengthMs, mark, name, facts }) {
  const image = picture ? make("img", { src: picture, alt: "", loading: "lazy", decoding: "async" }) : null;
  // A picture that is not there, or not any more, leaves the empty frame.
  image?.addEventListener("error", () => image.remove());
  const length = lengthMs === null ? null
    : make("span", { class: "length" }, make("span", { "aria-hidden": "true" }, timeText(lengthMs)), make("span", { class: "unseen" }, spokenTime(lengthMs)));
  return make("li", { "data-id": id },
    make("a", { class: "card", href },
      make("span", { class: "shot" }, image, mark, length),
      make("span", { class: "name" }, name),
      make("span", { class: "facts" }, facts.filter(Boolean).join(" · "))));
}
