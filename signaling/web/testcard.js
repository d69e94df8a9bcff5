// The test card: a moving picture with the stamp and a beep each second, so that anybody can
// stream, and measure, without a camera.

import { COLUMNS, ROWS, stampBytes } from "./stamp.js";

const BARS = ["#c8c8c8", "#c4c43a", "#3fc4c4", "#3fc44a", "#c046c0", "#c03c3c", "#3c48c0"];
const BEEP_HZ = 880;
const BEEP_S = 0.08;

export class TestCard {
  #canvas = document.createElement("canvas");
  #context;
  #clock;
  #worker;
  #track;
  #audio;
  #beeper;
  #counter = 0;
  #beeped = 0;

  /** @param {{at: () => number}} clock the server's, so that latency is honest across machines */
  constructor({ width, height, fps, clock }) {
    this.#canvas.width = width;
    this.#canvas.height = height;
    this.#context = this.#canvas.getContext("2d", { alpha: false });
    this.#clock = clock;
    this.#audio = new AudioContext();
    const out = this.#audio.createMediaStreamDestination();
    this.#beeper = this.#audio.createGain();
    this.#beeper.gain.value = 0;
    const tone = this.#audio.createOscillator();
    tone.frequency.value = BEEP_HZ;
    tone.connect(this.#beeper).connect(out);
    tone.start();
    // 0: no frame is taken unless asked for, so each drawn picture is sent once.
    this.stream = this.#canvas.captureStream(0);
    this.#track = this.stream.getVideoTracks()[0];
    this.stream.addTrack(out.stream.getAudioTracks()[0]);
    this.#worker = new Worker("/static/ticker.js");
    this.#worker.onmessage = () => this.#frame();
    this.#worker.postMessage(1000 / fps);
    this.#frame();
  }

  stop() {
    this.#worker.terminate();
    for (const track of this.stream.getTracks()) track.stop();
    this.#audio.close();
  }

  #frame() {
    const now = this.#clock.at();
    this.#counter = (this.#counter + 1) & 0xffff;
    drawCard(this.#context, now, this.#counter);
    drawStamp(this.#context, this.#counter, now);
    this.#track.requestFrame();
    const second = Math.floor(now / 1000);
    if (second === this.#beeped) return;
    this.#beeped = second;
    const at = this.#audio.currentTime;
    this.#beeper.gain.setValueAtTime(0.25, at);
    this.#beeper.gain.setValueAtTime(0, at + BEEP_S);
  }
}

/** Paint the stamp's strip over the top edge. */
export function drawStamp(context, counter, unixMs) {
  const { width } = context.canvas;
  const cell = width / COLUMNS;
  const bytes = stampBytes(counter, unixMs);
  for (let bit = 0; bit < ROWS * COLUMNS; bit += 1) {
    const x = Math.round((bit % COLUMNS) * cell);
    const y = Math.round(Math.floor(bit / COLUMNS) * cell);
    const white = bytes[bit >> 3] & (0x80 >> (bit & 7));
    context.fillStyle = white ? "#fff" : "#000";
    context.fillRect(x, y, Math.ceil(cell), Math.ceil(cell));
  }
}

function drawCard(context, now, counter) {
  const { width, height } = context.canvas;
  const unit = height / 100;
  const bar = width / BARS.length;
  BARS.forEach((colour, i) => {
    context.fillStyle = colour;
    context.fillRect(Math.floor(i * bar), 0, Math.ceil(bar), height * 0.68);
  });
  const ramp = context.createLinearGradient(0, 0, width, 0);
  ramp.addColorStop(0, "#000");
  ramp.addColorStop(1, "#fff");
  context.fillStyle = ramp;
  context.fillRect(0, height * 0.68, width, height * 0.08);
  context.fillStyle = "#10161c";
  context.fillRect(0, height * 0.76, width, height * 0.24);
  drawDial(context, now, unit);
  drawRunner(context, now, unit);
  context.textBaseline = "middle";
  context.fillStyle = "#f2f6f8";
  context.textAlign = "left";
  context.font = `600 ${unit * 10}px ui-monospace, monospace`;
  context.fillText(clockText(now), unit * 6, unit * 86);
  context.textAlign = "right";
  context.font = `${unit * 5}px ui-monospace, monospace`;
  context.fillText(`frame ${String(counter).padStart(5, "0")}`, width - unit * 6, unit * 84);
  context.fillStyle = "#7fd8d4";
  context.fillText("Sluice test card", width - unit * 6, unit * 91);
}

/** A dial whose hand turns once a second; it flashes with the beep. */
function drawDial(context, now, unit) {
  const x = context.canvas.width / 2;
  const y = unit * 42;
  const part = (now % 1000) / 1000;
  context.beginPath();
  context.arc(x, y, unit * 20, 0, Math.PI * 2);
  context.fillStyle = part < BEEP_S ? "#ffffff" : "#10161c";
  context.fill();
  context.lineWidth = unit * 1.2;
  context.strokeStyle = "#f2f6f8";
  context.stroke();
  context.beginPath();
  context.moveTo(x, y);
  context.arc(x, y, unit * 17, -Math.PI / 2, -Math.PI / 2 + part * Math.PI * 2);
  context.closePath();
  context.fillStyle = "#1fa7a3";
  context.fill();
}

/** A block that crosses the picture in four seconds: judder and lost frames show at once. */
function drawRunner(context, now, unit) {
  const { width } = context.canvas;
  const x = ((now % 4000) / 4000) * (width + unit * 12) - unit * 12;
  context.fillStyle = "#ffb84d";
  context.fillRect(x, unit * 77.5, unit * 12, unit * 2);
}

function clockText(now) {
  return new Date(now).toISOString().slice(11, 22);
}
