// What the studio can send: a camera, the screen or the test card. Each gives a MediaStream and
// is stopped as a whole.

import { TestCard } from "./testcard.js";

const SIZES = Object.freeze({
  360: { width: 640, height: 360 },
  540: { width: 960, height: 540 },
  720: { width: 1280, height: 720 },
  1080: { width: 1920, height: 1080 },
});

/**
 * Open a source; the browser asks for permission here.
 *
 * @param {{source: string, lines: number, fps: number, camera: string, mic: string,
 *   clock: object}} wish
 * @returns {Promise<{stream: MediaStream, stop: () => void}>}
 */
export async function openSource({ source, lines, fps, camera, mic, clock }) {
  const { width, height } = SIZES[lines] ?? SIZES[720];
  if (source === "card") {
    const card = new TestCard({ width, height, fps, clock });
    return { stream: card.stream, stop: () => card.stop() };
  }
  const size = { width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: fps } };
  const stream =
    source === "screen"
      ? await openScreen(size, mic)
      : await navigator.mediaDevices.getUserMedia({
          video: { ...size, ...(camera && { deviceId: { exact: camera } }) },
          audio: micWish(mic),
        });
  const track = stream.getVideoTracks()[0];
  if (track) track.contentHint = source === "screen" ? "detail" : "motion";
  return { stream, stop: () => stream.getTracks().forEach((one) => one.stop()) };
}

/** Cameras and microphones by kind; labels are empty until a permission was given. */
export async function listDevices() {
  const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  const named = (kind) => devices.filter((one) => one.kind === kind && one.deviceId !== "");
  return { cameras: named("videoinput"), mics: named("audioinput") };
}

/** Why a source could not be opened, in words. */
export function explainSource(error, source) {
  const thing = source === "screen" ? "the screen" : "the camera or the microphone";
  switch (error.name) {
    case "NotAllowedError":
      return `The browser may not use ${thing}. Allow it beside the address bar, then try again.`;
    case "NotFoundError":
    case "OverconstrainedError":
      return "No fitting camera or microphone was found. Plug one in, or choose the test card.";
    case "NotReadableError":
    case "AbortError":
      return `Another program holds ${thing}. Close it, then try again.`;
    default:
      return navigator.mediaDevices
        ? `${thing[0].toUpperCase()}${thing.slice(1)} could not be opened: ${error.message}`
        : "Cameras work only over HTTPS or on this machine. The test card works everywhere.";
  }
}

/** The shared screen, with its own sound or else the microphone's. */
async function openScreen(size, mic) {
  const stream = await navigator.mediaDevices.getDisplayMedia({ video: size, audio: true });
  if (stream.getAudioTracks().length > 0) return stream;
  try {
    const voice = await navigator.mediaDevices.getUserMedia({ audio: micWish(mic) });
    stream.addTrack(voice.getAudioTracks()[0]);
  } catch {
    // A screen without sound is still a stream; the page shows that there is no sound.
  }
  return stream;
}

function micWish(mic) {
  return mic ? { deviceId: { exact: mic } } : true;
}
