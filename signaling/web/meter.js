// The microphone's level as a bar.

const FLOOR_DB = -60;

/** Level in [0, 1] of samples in [-1, 1]: 0 at -60 dB and below, 1 at full scale. */
export function level(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const rms = Math.sqrt(sum / Math.max(1, samples.length));
  const db = rms > 0 ? 20 * Math.log10(rms) : FLOOR_DB;
  return Math.min(1, Math.max(0, 1 - db / FLOOR_DB));
}

export class SoundMeter {
  #context = new AudioContext();
  #samples;
  #analyser;
  #frame = 0;
  #cover;

  /** `cover` lies over a coloured bar and draws back to the right as it gets louder. */
  constructor(track, cover) {
    this.#cover = cover;
    this.#analyser = this.#context.createAnalyser();
    this.#analyser.fftSize = 1024;
    this.#samples = new Float32Array(this.#analyser.fftSize);
    this.#context.createMediaStreamSource(new MediaStream([track])).connect(this.#analyser);
    let shown = 0;
    const draw = () => {
      this.#analyser.getFloatTimeDomainData(this.#samples);
      const now = track.enabled ? level(this.#samples) : 0;
      shown = Math.max(now, shown - 0.02); // falls slowly, so that peaks can be seen
      cover.style.transform = `scaleX(${(1 - shown).toFixed(3)})`;
      this.#frame = requestAnimationFrame(draw);
    };
    draw();
  }

  stop() {
    this.#cover.style.transform = "";
    cancelAnimationFrame(this.#frame);
    this.#context.close();
  }
}
