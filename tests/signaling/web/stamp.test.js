import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import test from "node:test";

import { crc8, readStamp, stampBytes, unwrapTime } from "../../../signaling/web/stamp.js";

const VECTORS = new URL("../../vectors/stamp.json", import.meta.url);

/** The word, computed another way than the code under test: bit strings and BigInt. */
function wordHex(counter, timeMs) {
  const head = (BigInt(counter & 0xffff) << 40n) | (BigInt(timeMs) & ((1n << 40n) - 1n));
  let remainder = 0xffn << 48n; // the initial value, lined up with the first byte
  remainder ^= head;
  remainder <<= 8n;
  for (let bit = 63n; bit >= 8n; bit -= 1n) {
    if (remainder & (1n << bit)) remainder ^= 0x107n << (bit - 8n);
  }
  return ((head << 8n) | remainder).toString(16).padStart(16, "0");
}

function hex(bytes) {
  return Buffer.from(bytes).toString("hex");
}

/** RGBA rows of a picture's top strip, as a codec might leave them: limited levels, soft edges. */
function paint(word, width, { black = 16, white = 235, blur = 0 } = {}) {
  const cell = width / 32;
  const rows = Math.ceil(cell * 2);
  const bits = BigInt(`0x${word}`).toString(2).padStart(64, "0");
  const rgba = new Uint8ClampedArray(width * rows * 4).fill(255);
  const lumaAt = (x, y) => {
    const column = Math.min(31, Math.max(0, Math.floor(x / cell)));
    const row = Math.min(1, Math.max(0, Math.floor(y / cell)));
    return bits[row * 32 + column] === "1" ? white : black;
  };
  for (let y = 0; y < rows; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const left = lumaAt(x + 0.5 - blur, y + 0.5);
      const right = lumaAt(x + 0.5 + blur, y + 0.5);
      rgba.fill((left + right) / 2, (y * width + x) * 4, (y * width + x) * 4 + 3);
    }
  }
  return rgba;
}

test("the word agrees with an independent computation", () => {
  for (const [counter, time] of [[0, 0], [1, 1_790_000_000_000], [65_535, 2 ** 40 - 1], [300, 2 ** 40 + 5]]) {
    assert.equal(hex(stampBytes(counter, time)), wordHex(counter, time));
  }
});

test("the word agrees with the shared vectors", { skip: !existsSync(VECTORS) && "no vectors here" }, () => {
  const vectors = JSON.parse(readFileSync(VECTORS, "utf8"));
  assert.ok(vectors.length > 0);
  for (const { counter, time_ms: time, word_hex: word } of vectors) {
    assert.equal(hex(stampBytes(counter, time)), word);
    const seen = readStamp(paint(word, 640), 640);
    assert.deepEqual(seen, { counter: counter % 65_536, time: time % 2 ** 40 });
  }
});

test("the CRC is CRC-8 with initial value 0xFF", () => {
  assert.equal(crc8(new TextEncoder().encode("123456789")), 0xfb);
});

test("a stamp is read at every picture width, also where cells are no whole pixels", () => {
  const word = wordHex(4242, 1_790_000_123_456);
  for (const width of [256, 320, 426, 640, 854, 960, 1280, 1920]) {
    const seen = readStamp(paint(word, width), width);
    assert.deepEqual(seen, { counter: 4242, time: 1_790_000_123_456 % 2 ** 40 }, `width ${width}`);
  }
});

test("soft edges and weak contrast do not matter", () => {
  const word = wordHex(7, 1_790_000_000_001);
  const soft = paint(word, 640, { black: 60, white: 150, blur: 4 });
  assert.equal(readStamp(soft, 640).counter, 7);
});

test("a picture without a stamp gives nothing", () => {
  const flat = new Uint8ClampedArray(640 * 40 * 4).fill(120);
  assert.equal(readStamp(flat, 640), null);
});

test("a damaged cell is noticed", () => {
  const word = BigInt(`0x${wordHex(7, 1_790_000_000_001)}`) ^ (1n << 33n);
  assert.equal(readStamp(paint(word.toString(16).padStart(16, "0"), 640), 640), null);
});

test("too few pixels give nothing instead of a wrong word", () => {
  assert.equal(readStamp(new Uint8ClampedArray(640 * 10 * 4), 640), null);
  assert.equal(readStamp(new Uint8ClampedArray(32 * 2 * 4), 32), null);
});

test("time is unwrapped to the Unix time nearest to now", () => {
  const now = 1_790_000_000_000;
  assert.equal(unwrapTime((now - 80) % 2 ** 40, now), now - 80);
  assert.equal(unwrapTime((now + 80) % 2 ** 40, now), now + 80);
  const edge = 2 ** 41; // just wrapped
  assert.equal(unwrapTime((edge - 5) % 2 ** 40, edge + 20), edge - 5);
});
