// A worker that ticks. Timers of a page in the background slow down to one a second; a worker's
// do not, so the test card keeps its frame rate behind other tabs.

let timer = null;

self.onmessage = ({ data: intervalMs }) => {
  clearInterval(timer);
  timer = intervalMs > 0 ? setInterval(() => self.postMessage(0), intervalMs) : null;
};
