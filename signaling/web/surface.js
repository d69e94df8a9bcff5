// The page's read-only surface for tests and integrators, `window.sluice`.

import { videoLayers } from "./layers.js";

/**
 *   state            idle | connecting | playing | reconnecting | offline | failed
 *   transport        webrtc | llhls | hls | null; transportReason: why not a faster one, or ""
 *   latencyMs        glass to glass now, ms, or null; latencySource: stamp | rtcp | pdt | estimate | null
 *   stats            the last second's figures (inboundFigures in stats.js for WebRTC, mediaFigures
 *                    in mediafigures.js for HLS), or null
 *   frames           up to 600 stamped frames, oldest first:
 *                    {counter, captureMs, shownMs, rtpTimestamp, latencyMs}, Unix ms, server's clock
 *   firstFrameMs     from the first question to the first picture of the present session, or null
 *   joinedAt         Unix ms (server's clock) when the present session was begun, or null
 *   joins            sessions opened so far: 1 means no rejoin was needed
 *   clockErrorMs     bound of the clock's error against the server, or null
 *   layers           WebRTC: the publisher's layers with pictures, best first; chosenRid, rid: the
 *                    one that was chosen and the one that is sent, or null
 *   audioOnly        no picture comes now, by necessity or by choice
 *   echo(text)       WebRTC: through the data channel and back
 *   chat             {status, transport, place {epoch, seq}, position: the moment on the screen or
 *                    null, figures {waiting, unknown, overflowed}, shown: up to 600 entries,
 *                    {seq, kind, text, t, shownMs, positionMs}}, Unix ms, server's clock
 *   captions         {languages: those that there are now, on: whether the viewer wants to see them,
 *                    shown: up to 300 cues, {text, fromMs, positionMs}}, Unix ms, server's clock
 *
 * And for HLS, null or empty otherwise:
 *
 *   bufferMs, stalls {count, ms}, liveDelayMs (the moment on the screen against now)
 *   seekable         {start, end} Unix ms by EXT-X-PROGRAM-DATE-TIME; live plays at the end
 *   playingMs        the moment on the screen, Unix ms
 *   live             whether it is kept at the end of `seekable`
 *   hlsLevels        [{name, height, bitrate}], best first; hlsLevel: the one on the screen
 *   seek(ms), goLive()
 *
 * @param {object} viewer
 * @param {object} page the watch page's own values, as getters
 */
export function surfaceOf(viewer, page) {
  const hls = () => (viewer.transport === "webrtc" ? null : viewer.session);
  return Object.freeze({
    get state() {
      return viewer.state.name;
    },
    get transport() {
      return viewer.transport;
    },
    get transportReason() {
      return viewer.transportReason;
    },
    get latencyMs() {
      return page.latencyMs;
    },
    get latencySource() {
      return page.latencyMs === null ? null : page.latencySource;
    },
    get stats() {
      return page.figures;
    },
    get frames() {
      return page.frames.map((frame) => ({ ...frame }));
    },
    get firstFrameMs() {
      return page.firstFrameMs;
    },
    get joinedAt() {
      return page.joinedAt;
    },
    get joins() {
      return viewer.joins;
    },
    get clockErrorMs() {
      return page.clockErrorMs;
    },
    get layers() {
      return videoLayers(viewer.layers).map((layer) => ({ ...layer }));
    },
    get chosenRid() {
      return viewer.wish;
    },
    get rid() {
      return viewer.rid;
    },
    get audioOnly() {
      return viewer.audioOnly || hls()?.soundOnly === true;
    },
    get chat() {
      return page.chat;
    },
    get captions() {
      return page.captions;
    },
    get bufferMs() {
      return hls()?.bufferMs ?? null;
    },
    get stalls() {
      const meter = hls()?.stalls;
      return meter ? { count: meter.count, ms: meter.total(performance.now()) } : null;
    },
    get liveDelayMs() {
      return hls()?.liveDelayMs ?? null;
    },
    get seekable() {
      return hls()?.seekable ?? null;
    },
    get playingMs() {
      return hls()?.playingMs ?? null;
    },
    get live() {
      return hls()?.live ?? null;
    },
    get hlsLevels() {
      return hls()?.levels ?? [];
    },
    get hlsLevel() {
      return hls()?.shown || null;
    },
    seek(dateMs) {
      if (hls()) hls().seek(dateMs);
      else viewer.rewind(dateMs);
    },
    goLive() {
      viewer.goLive();
    },
    echo(text) {
      if (!viewer.session?.echo) return Promise.reject(new Error("there is no WebRTC session"));
      return viewer.session.echo(String(text));
    },
  });
}
