// The page of a recording, read-only, for tests and integrators: `window.sluice`.

/**
 *   state            connecting | idle | playing | waiting | live | failed
 *                    `live`: the broadcast still runs; `waiting`: nothing is loaded to go on with
 *   paused, ended, rate, muted
 *   positionMs, durationMs     VOD time
 *   bufferedMs       what is loaded: [{start, end}]
 *   vod              the VodDetails of the server as they were told last, or null
 *   chapters         [{at_ms, title, source}]; chapter: index of the one that is on, or -1
 *   captions         {chosen: "en/final" or null, cues: how many there are, shown: [{text, positionMs}]}
 *   lines            of transcript or search, as they stand there: [{atMs, text}]
 *   chat             {ready, waiting, shown: [{seq, kind, text, t, positionMs}]}, or null without a chat
 *   levels           [{name, height, bitrate}], best first; level: the one on the screen, or null
 *   heat             whether there is a line over the bar
 *   pointedMs        the moment that is pointed at on the bar, or null
 *   frames           with `?stamps` in the address: stamped frames in the order they were shown,
 *                    {counter, captureMs, positionMs}, else []
 *   seek(ms), play(), pause()
 *
 * @param {HTMLVideoElement} video
 * @param {object} page the page's own values, as getters
 */
export function vodSurfaceOf(video, page) {
  const own = ["state", "durationMs", "bufferedMs", "vod", "chapters", "chapter", "captions", "lines", "chat", "levels", "level", "heat", "pointedMs", "frames"];
  const surface = {
    get paused() {
      return video.paused;
    },
    get ended() {
      return video.ended;
    },
    get rate() {
      return video.playbackRate;
    },
    get muted() {
      return video.muted;
    },
    get positionMs() {
      return page.positionMs;
    },
    seek(ms) {
      page.seek(ms);
    },
    play() {
      page.play();
    },
    pause() {
      video.pause();
    },
  };
  for (const name of own) Object.defineProperty(surface, name, { enumerable: true, get: () => page[name] });
  return Object.freeze(surface);
}
