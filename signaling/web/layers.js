// A publisher's layers, or a ladder's levels, as a person sees them: names, and what there is to choose.

/** The level that is none: the sound alone. */
export const SOUND_ONLY = "sound";

/**
 * The layers that carry pictures, best first.
 *
 * @param {object[]} layers as the server tells them: {rid, codec, bitrate, width, height, active}
 */
export function videoLayers(layers) {
  const pictures = layers.filter(({ codec }) => codec !== "opus");
  return pictures.sort((a, b) => lines(b) - lines(a) || b.bitrate - a.bitrate);
}

/** "720p" where the size is known, else the bitrate, else the publisher's own name for it. */
export function layerName(layer) {
  if (lines(layer) > 0) return `${lines(layer)}p`;
  return bitrateName(layer.bitrate) || layer.rid || "Video";
}

/**
 * What a person can choose, automatic first; empty when there is no choice.
 *
 * @param {object[]} layers as the server tells them
 * @param {{wish: string|null, shown: string}} now `wish` is the chosen rid or null, `shown` what
 *   is on the screen, such as "720p", or ""
 * @returns {{id: string|null, name: string, note: string, checked: boolean, resting: boolean}[]}
 *   `resting`: the publisher does not send it at the moment
 */
export function qualityChoices(layers, { wish, shown }) {
  const pictures = videoLayers(layers);
  if (pictures.length < 2) return [];
  const chosen = pictures.some(({ rid }) => rid === wish) ? wish : null;
  return [
    { id: null, name: "Auto", note: chosen === null ? shown : "", checked: chosen === null, resting: false },
    ...pictures.map((layer) => ({
      id: layer.rid,
      name: layerName(layer),
      note: layer.active ? noteOf(layer) : "not sent now",
      checked: layer.rid === chosen,
      resting: !layer.active,
    })),
  ];
}

/**
 * The same for the levels of HLS: {name, height, bitrate}, best first. The sound alone can be
 * chosen too.
 */
export function levelChoices(levels, { wish, shown, sound }) {
  const ladder = levels.length > 1 ? levels : [];
  if (ladder.length === 0 && !sound) return [];
  const chosen = wish === SOUND_ONLY || ladder.some(({ name }) => name === wish) ? wish : null;
  const entry = (id, name, note) => ({ id, name, note, checked: id === chosen, resting: false });
  return [
    entry(null, "Auto", chosen === null ? shown : ""),
    ...ladder.map(({ name, bitrate }) => entry(name, name, bitrateName(bitrate))),
    ...(sound ? [entry(SOUND_ONLY, "Sound only", "")] : []),
  ];
}

/**
 * What is on the screen, such as "720p": by the layer that the server says it sends, else by the
 * picture's own size. Empty when neither is known.
 */
export function shownName(layers, rid, size) {
  const sent = rid === null ? undefined : videoLayers(layers).find((layer) => layer.rid === rid);
  if (sent && lines(sent) > 0) return layerName(sent);
  const height = Math.min(size.width || 0, size.height || 0);
  return height > 0 ? `${height}p` : "";
}

/** Phones held upright send tall pictures: people name them by the shorter side too. */
function lines({ width, height }) {
  return Math.min(width, height);
}

function noteOf(layer) {
  return lines(layer) > 0 ? bitrateName(layer.bitrate) : "";
}

function bitrateName(bitrate) {
  if (!(bitrate > 0)) return "";
  return bitrate >= 1e6 ? `${(bitrate / 1e6).toFixed(1)} Mbit/s` : `${Math.round(bitrate / 1000)} kbit/s`;
}
