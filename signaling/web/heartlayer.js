// Hearts that rise over the picture. A million of them cost what a few dozen do: the rest is a
// number beside one of them.

import { emoteLook } from "./chatparts.js";

const MOST = 40;
const MOST_AT_ONCE = 12;
const LIFE_MS = 2600;
const SPREAD_MS = 700;
const SIZE = 30;
const HEART_RED = "#ff5c7a";
const RED_HEART = "\u2764\ufe0f";

export class HeartLayer {
  #canvas;
  #context;
  #still = matchMedia("(prefers-reduced-motion: reduce)");
  #flying = [];
  #images = new Map();
  #running = false;

  shown = true;

  constructor(canvas) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d");
  }

  /** `sums` as from HeartQueue.due. */
  rise(sums, emotes) {
    if (!this.shown || document.hidden) return;
    const now = performance.now();
    for (const { emote, n } of sums) {
      const look = emote === "heart" && !Object.hasOwn(emotes, emote) ? { text: RED_HEART } : emoteLook(emote, emotes);
      const drawn = this.#still.matches ? 1 : Math.min(n, MOST_AT_ONCE);
      for (let i = 0; i < drawn && this.#flying.length < MOST; i += 1) {
        const count = i === 0 && n > drawn ? n : 1;
        this.#flying.push({ look, count, born: now + (i / drawn) * SPREAD_MS, lane: Math.random(), sway: Math.random() * 6.3 });
      }
    }
    if (this.#flying.length > 0 && !this.#running) {
      this.#running = true;
      requestAnimationFrame((at) => this.#draw(at));
    }
  }

  #draw(now) {
    const { width, height } = this.#fit();
    this.#context.clearRect(0, 0, width, height);
    this.#flying = this.#flying.filter(({ born }) => now - born < LIFE_MS);
    for (const heart of this.#flying) if (now >= heart.born) this.#one(heart, (now - heart.born) / LIFE_MS, width, height);
    this.#running = this.#flying.length > 0;
    if (this.#running) requestAnimationFrame((at) => this.#draw(at));
  }

  #one({ look, count, lane, sway }, age, width, height) {
    const moves = !this.#still.matches;
    const x = width * (0.84 + 0.11 * lane) + (moves ? Math.sin(age * 5 + sway) * 10 : 0);
    const y = moves ? height * (0.9 - 0.62 * age) : height * 0.8;
    const scale = moves ? Math.min(1, age * 8) : 1;
    this.#context.globalAlpha = Math.min(1, (1 - age) * 2.2);
    const size = SIZE * scale;
    const image = look.image ? this.#image(look.image) : null;
    this.#context.font = `${size}px system-ui, sans-serif`;
    this.#context.textAlign = "center";
    this.#context.fillStyle = HEART_RED; // for letters without colours of their own
    if (image) this.#context.drawImage(image, x - size / 2, y - size, size, size);
    else if (look.text) this.#context.fillText(look.text, x, y);
    if (count > 1) {
      this.#context.font = "600 14px system-ui, sans-serif";
      this.#context.fillStyle = "#fff";
      this.#context.fillText(`× ${count}`, x, y + 18);
    }
  }

  #image(address) {
    if (!this.#images.has(address)) this.#images.set(address, Object.assign(new Image(), { src: address }));
    const image = this.#images.get(address);
    return image.complete && image.naturalWidth > 0 ? image : null;
  }

  /** As many pixels as the screen has, so that letters are sharp. */
  #fit() {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const ratio = Math.min(2, devicePixelRatio);
    if (this.#canvas.width !== Math.round(width * ratio) || this.#canvas.height !== Math.round(height * ratio)) {
      this.#canvas.width = Math.round(width * ratio);
      this.#canvas.height = Math.round(height * ratio);
    }
    this.#context.setTransform(ratio, 0, 0, ratio, 0, 0);
    return { width, height };
  }
}
