// Addresses of our own pages. A viewer token goes along from page to page, and never into a link
// that is meant for others. Pure.

const UNITS = Object.freeze({ h: 3600, m: 60, s: 1 });

/** The last part of a page's path: the channel, recording or clip that it is about. */
export function nameIn(pathname) {
  const last = pathname.replace(/\/+$/, "").split("/").pop();
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

export function watchLink(channel, token = null) {
  return withQuery(`/watch/${encodeURIComponent(channel)}`, { token });
}

export function channelLink(channel, token = null) {
  return withQuery(`/channel/${encodeURIComponent(channel)}`, { token });
}

/** `atMs` null: from the beginning. Links know whole seconds. */
export function vodLink(vod, { atMs = null, token = null } = {}) {
  const seconds = atMs === null ? 0 : Math.floor(atMs / 1000);
  return withQuery(`/vod/${encodeURIComponent(vod)}`, { t: seconds > 0 ? String(seconds) : null, token });
}

export function clipLink(clip, token = null) {
  return withQuery(`/clip/${encodeURIComponent(clip)}`, { token });
}

/** The address of a file that an element loads, which can send no header. */
export function fileLink(path, token = null) {
  return path === null || token === null ? path : `${path}${path.includes("?") ? "&" : "?"}${new URLSearchParams({ token })}`;
}

/** The place that `?t=` names, in ms: "90", "90.5", "1m30s", "1h2m". 0 where it names none. */
export function startMs(text) {
  const given = (text ?? "").trim();
  if (/^\d{1,9}(\.\d{1,3})?$/.test(given)) return Math.round(Number(given) * 1000);
  const parts = /^(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,7})s)?$/.exec(given);
  if (!parts) return 0;
  return Object.keys(UNITS).reduce((sum, unit, i) => sum + Number(parts[i + 1] ?? 0) * UNITS[unit], 0) * 1000;
}

function withQuery(path, query) {
  const named = Object.entries(query).filter(([, value]) => value !== null && value !== "");
  return named.length > 0 ? `${path}?${new URLSearchParams(named)}` : path;
}
