// The frame barcode ("stamp"): a 64-bit word in a strip on the picture's top edge that says which
// frame this is and when it was captured. It makes latency and loss measurable at the glass.
//
// 2 rows x 32 square cells, row-major, most significant bit first; white = 1, black = 0.
// Bits 63..48 frame counter, 47..8 capture time (Unix ms modulo 2^40), 7..0 CRC-8 over the rest.

export const COLUMNS = 32;
export const ROWS = 2;
const TIME_MODULUS = 2 ** 40;
const MIN_SPREAD = 60;

/**
 * Read the stamp out of RGBA pixels that start at the picture's top left corner.
 *
 * @param {Uint8ClampedArray|Uint8Array} rgba at least `width / 16` rows of `width` pixels
 * @param {number} width of the picture in pixels
 * @returns {{counter: number, time: number}|null} `time` is modulo 2^40 ms (see unwrapTime);
 *   null when there is no stamp or it is damaged
 */
export function readStamp(rgba, width) {
  const cell = width / COLUMNS;
  if (cell < 2 || rgba.length < Math.floor(cell * ROWS) * width * 4) return null;
  const means = new Float64Array(ROWS * COLUMNS);
  let low = Infinity;
  let high = -Infinity;
  for (let row = 0; row < ROWS; row += 1) {
    for (let column = 0; column < COLUMNS; column += 1) {
      const mean = cellMean(rgba, width, column * cell, row * cell, cell);
      means[row * COLUMNS + column] = mean;
      low = Math.min(low, mean);
      high = Math.max(high, mean);
    }
  }
  if (high - low < MIN_SPREAD) return null;
  const middle = (low + high) / 2;
  const bytes = new Uint8Array(8);
  means.forEach((mean, bit) => {
    if (mean > middle) bytes[bit >> 3] |= 0x80 >> (bit & 7);
  });
  if (crc8(bytes.subarray(0, 7)) !== bytes[7]) return null;
  let time = 0;
  for (let i = 2; i < 7; i += 1) time = time * 256 + bytes[i];
  return { counter: bytes[0] * 256 + bytes[1], time };
}

/** The stamp's 8 bytes, big-endian, for a frame counter and a Unix time in milliseconds. */
export function stampBytes(counter, unixMs) {
  const bytes = new Uint8Array(8);
  bytes[0] = (counter >> 8) & 0xff;
  bytes[1] = counter & 0xff;
  let time = Math.floor(unixMs) % TIME_MODULUS; // past 2^32, so no bit operators here
  for (let i = 6; i >= 2; i -= 1) {
    bytes[i] = time % 256;
    time = Math.floor(time / 256);
  }
  bytes[7] = crc8(bytes.subarray(0, 7));
  return bytes;
}

/** The Unix time nearest to `nowMs` that equals `time` modulo 2^40. */
export function unwrapTime(time, nowMs) {
  return time + TIME_MODULUS * Math.round((nowMs - time) / TIME_MODULUS);
}

/** CRC-8: polynomial 0x07, initial value 0xFF, not reflected, no final xor. */
export function crc8(bytes) {
  let crc = 0xff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let i = 0; i < 8; i += 1) crc = crc & 0x80 ? ((crc << 1) ^ 0x07) & 0xff : crc << 1;
  }
  return crc;
}

/** Mean luma of the middle half of a cell: codecs smear the edges. */
function cellMean(rgba, width, left, top, size) {
  const x0 = Math.round(left + size / 4);
  const x1 = Math.max(x0 + 1, Math.round(left + (size * 3) / 4));
  const y0 = Math.round(top + size / 4);
  const y1 = Math.max(y0 + 1, Math.round(top + (size * 3) / 4));
  let sum = 0;
  for (let y = y0; y < y1; y += 1) {
    for (let x = x0; x < x1; x += 1) {
      const i = (y * width + x) * 4;
      sum += 0.299 * rgba[i] + 0.587 * rgba[i + 1] + 0.114 * rgba[i + 2];
    }
  }
  return sum / ((x1 - x0) * (y1 - y0));
}
