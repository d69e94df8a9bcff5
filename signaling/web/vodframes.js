// Stamped frames of a recording, as they are shown: what tests of a replay look at. Only loaded where
// the address asks for it, as every frame is read back.

import { COLUMNS, readStamp, ROWS, unwrapTime } from "./stamp.js";

const CELL = 8; // pixels of the read-back canvas per cell
const KEPT = 20_000;

/**
 * @param {HTMLVideoElement} video
 * @param {() => number} nearMs a time (Unix ms) within some years of the captures
 * @param {object[]} frames gets {counter, captureMs, positionMs} for each stamped frame
 */
export function watchFrames(video, nearMs, frames) {
  if (!("requestVideoFrameCallback" in video)) return;
  const canvas = document.createElement("canvas");
  canvas.width = COLUMNS * CELL;
  canvas.height = ROWS * CELL;
  const context = canvas.getContext("2d", { willReadFrequently: true, alpha: false });
  const next = () => video.requestVideoFrameCallback((_, { mediaTime }) => {
    next();
    const { videoWidth } = video;
    if (videoWidth === 0) return;
    context.drawImage(video, 0, 0, videoWidth, (videoWidth * ROWS) / COLUMNS, 0, 0, canvas.width, canvas.height);
    const stamp = readStamp(context.getImageData(0, 0, canvas.width, canvas.height).data, canvas.width);
    if (!stamp) return;
    frames.push({ counter: stamp.counter, captureMs: unwrapTime(stamp.time, nearMs()), positionMs: mediaTime * 1000 });
    if (frames.length > KEPT) frames.shift();
  });
  next();
}
