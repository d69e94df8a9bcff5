// What a publisher's encoders shall make of one picture: one encoding, or three for viewers whose
// connections differ (simulcast). No DOM, no connection.

/** A quarter, half and full size. Shares of the bitrate: a viewer's picture should fill its line. */
const LAYERS = Object.freeze([
  { rid: "q", scale: 4, share: 0.06, atLeastKbps: 80, fps: 15 },
  { rid: "h", scale: 2, share: 0.2, atLeastKbps: 200, fps: 60 },
  { rid: "f", scale: 1, share: 1, atLeastKbps: 0, fps: 60 },
]);
/** Below this width a quarter of the picture shows nothing, and browsers leave layers out. */
const LEAST_WIDTH = 640;
/** What browsers send as simulcast. With VP9 and AV1 some put all layers into one stream (SVC). */
const SIMULCAST_CODECS = ["", "H264", "VP8"];

/** Whether pictures of this width can be sent in several qualities with this codec ("": any). */
export function canSendSeveral(codec, width) {
  return SIMULCAST_CODECS.includes(codec) && width >= LEAST_WIDTH;
}

/**
 * The `sendEncodings` of a video transceiver.
 *
 * @param {{kbps: number, fps: number}} wish the bitrate and frame rate of the full picture
 * @param {boolean} several three encodings in place of one
 */
export function videoEncodings({ kbps, fps }, several) {
  if (!several) return [{ scaleResolutionDownBy: 1, maxBitrate: kbps * 1000, maxFramerate: fps }];
  return LAYERS.map((layer) => ({
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
  const wanted = videoEncodings(wish, present.length > 1);
  for (const encoding of present) {
    const { rid, ...rest } = wanted.find((one) => one.rid === encoding.rid) ?? wanted.at(-1);
    Object.assign(encoding, rest);
  }
}
