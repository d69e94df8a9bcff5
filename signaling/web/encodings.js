// What a publisher's encoders shall make of one picture: one encoding, or several for viewers
// whose connections differ (simulcast). No DOM, no connection.

/**
 * A quarter, half and full size. Shares of the bitrate: a viewer's picture should fill its line. The
 * smallest has the bits a pixel of the full one: with sound it fits a line of 150 kbit/s.
 */
const LAYERS = Object.freeze([
  { rid: "q", scale: 4, share: 0.035, atLeastKbps: 50, fps: 15 },
  { rid: "h", scale: 2, share: 0.2, atLeastKbps: 200, fps: 60 },
  { rid: "f", scale: 1, share: 1, atLeastKbps: 0, fps: 60 },
]);
/**
 * Chromium sends so many layers of a picture with at least so many pixels, and when there are more
 * it leaves out the largest, of all things. So we never ask it for more.
 */
const MOST_LAYERS = [
  { pixels: 960 * 540, layers: 3 },
  { pixels: 480 * 270, layers: 2 },
];
/** Narrower pictures are small enough for everybody. */
const LEAST_WIDTH = 640;
/** What browsers send as simulcast. With VP9 and AV1 some put all layers into one stream (SVC). */
const SIMULCAST_CODECS = ["", "H264", "VP8"];

/**
 * In how many qualities a picture of this size can be sent with this codec ("": any); 1 to 3.
 */
export function qualitiesOf(codec, { width = 0, height = 0 }) {
  if (!SIMULCAST_CODECS.includes(codec) || Math.max(width, height) < LEAST_WIDTH) return 1;
  return MOST_LAYERS.find(({ pixels }) => width * height >= pixels)?.layers ?? 1;
}

/**
 * The `sendEncodings` of a video transceiver.
 *
 * @param {{kbps: number, fps: number}} wish the bitrate and frame rate of the full picture
 * @param {number} count how many qualities, 1 to 3; the full one is always among them
 */
export function videoEncodings({ kbps, fps }, count) {
  if (count < 2) return [{ scaleResolutionDownBy: 1, maxBitrate: kbps * 1000, maxFramerate: fps }];
  return LAYERS.slice(-count).map((layer) => ({
    rid: layer.rid,
    scaleResolutionDownBy: layer.scale,
    maxBitrate: Math.round(Math.min(kbps, Math.max(layer.atLeastKbps, kbps * layer.share)) * 1000),
    maxFramerate: Math.min(fps, layer.fps),
  }));
}

/**
 * Bring a sender's present encodings to a wish. A browser whose simulcast was refused keeps only
 * the first encoding, the smallest: that becomes the full picture.
 *
 * @param {object[]} present as RTCRtpSender.getParameters() gives them; they are changed
 */
export function retune(present, wish) {
  const wanted = videoEncodings(wish, present.length);
  for (const encoding of present) {
    const { rid, ...rest } = wanted.find((one) => one.rid === encoding.rid) ?? wanted.at(-1);
    Object.assign(encoding, rest);
  }
}
