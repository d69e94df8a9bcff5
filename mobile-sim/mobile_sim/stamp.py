"""The stamp: a barcode in the picture that says which frame this is and when it was captured.

It survives coding, so whoever sees the picture can measure loss and latency honestly. The strip
lies on the top edge: 2 rows of 32 square cells, white for 1 and black for 0, the most significant
bit first. The 64-bit word is

    bits 63..48  frame counter, wraps at 2**16
    bits 47..8   capture time, Unix milliseconds modulo 2**40
    bits  7..0   CRC-8 over the seven bytes before it
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Luma = NDArray[np.uint8]
"""A luma plane, rows by columns, limited range (16 is black, 235 is white)."""

COLUMNS = 32
ROWS = 2
WHITE = 235
BLACK = 16
MIN_WIDTH = 64
"""Narrower pictures have no pixel that lies wholly inside the middle of a cell."""

COUNTER_MODULUS = 1 << 16
TIME_MODULUS = 1 << 40
MIN_SPREAD = 60
"""Less luma between the darkest and the brightest cell than this means there is no stamp."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a frame says of itself. Both values are already wrapped."""

    counter: int
    """0..65535."""
    time_ms: int
    """Unix milliseconds modulo 2**40; see `unwrap_time`."""


def strip_height(width: int) -> int:
    """The number of pixel rows that the strip needs in a picture `width` pixels wide."""
    return -(-ROWS * width // COLUMNS)


def draw(luma: Luma, counter: int, time_ms: int) -> None:
    """Write the stamp over the top of `luma`. Raises ValueError when the picture is too small."""
    height, width = luma.shape
    if width < MIN_WIDTH or height < strip_height(width):
        raise ValueError(f"a picture of {width}x{height} has no room for the stamp")
    word = encode(counter, time_ms)
    bits = np.unpackbits(np.frombuffer(word.to_bytes(8, "big"), np.uint8)).reshape(ROWS, COLUMNS)
    grid = _grid(width)
    lines = np.where(bits, np.uint8(WHITE), np.uint8(BLACK))[:, grid.column_of]
    for row, (top, bottom) in enumerate(grid.row_edges):
        luma[top:bottom] = lines[row]


def read(luma: Luma) -> Stamp | None:
    """Return the stamp in `luma`, or None where there is none or its CRC is wrong."""
    height, width = luma.shape
    if width < MIN_WIDTH or height < strip_height(width):
        return None
    grid = _grid(width)
    means = np.empty((ROWS, COLUMNS))
    for row, (top, bottom) in enumerate(grid.row_middles):
        columns = np.zeros(width + 1)
        np.cumsum(luma[top:bottom].mean(axis=0), out=columns[1:])
        means[row] = (columns[grid.right] - columns[grid.left]) / (grid.right - grid.left)
    low, high = means.min(), means.max()
    if high - low < MIN_SPREAD:
        return None
    bits = means > (low + high) / 2
    return decode(int.from_bytes(np.packbits(bits).tobytes(), "big"))


def encode(counter: int, time_ms: int) -> int:
    """Return the 64-bit word; counter and time wrap."""
    head = (counter % COUNTER_MODULUS) << 40 | time_ms % TIME_MODULUS
    return head << 8 | crc8(head.to_bytes(7, "big"))


def decode(word: int) -> Stamp | None:
    """Return what a 64-bit word says, or None when its CRC is wrong."""
    head = word >> 8
    if crc8(head.to_bytes(7, "big")) != word & 0xFF:
        return None
    return Stamp(counter=head >> 40, time_ms=head % TIME_MODULUS)


def unwrap_time(time_ms: int, near_ms: int) -> int:
    """Return the Unix time in ms that is `time_ms` modulo 2**40 and nearest to `near_ms`."""
    half = TIME_MODULUS // 2
    return near_ms + (time_ms - near_ms + half) % TIME_MODULUS - half


def crc8(data: bytes) -> int:
    """CRC-8 with polynomial 0x07, initial value 0xFF, no reflection, no final xor."""
    crc = 0xFF
    for byte in data:
        crc = _CRC_TABLE[crc ^ byte]
    return crc


def _crc_step(value: int) -> int:
    for _ in range(8):
        value = value << 1 ^ (0x107 if value & 0x80 else 0)
    return value


_CRC_TABLE = tuple(_crc_step(value) for value in range(256))


@dataclass(frozen=True, slots=True)
class _Grid:
    """The cells of one picture width in whole pixels: a pixel belongs where its centre lies."""

    column_of: NDArray[np.intp]
    row_edges: tuple[tuple[int, int], ...]
    left: NDArray[np.intp]
    right: NDArray[np.intp]
    row_middles: tuple[tuple[int, int], ...]


@lru_cache(maxsize=8)
def _grid(width: int) -> _Grid:
    cell = width / COLUMNS
    columns = np.arange(COLUMNS)
    return _Grid(
        column_of=((2 * np.arange(width) + 1) * COLUMNS // (2 * width)).astype(np.intp),
        row_edges=tuple((_first(row * cell), _first((row + 1) * cell)) for row in range(ROWS)),
        left=np.ceil((columns + 0.25) * cell - 0.5).astype(np.intp),
        right=np.ceil((columns + 0.75) * cell - 0.5).astype(np.intp),
        row_middles=tuple(
            (_first((row + 0.25) * cell), _first((row + 0.75) * cell)) for row in range(ROWS)
        ),
    )


def _first(edge: float) -> int:
    """The first pixel whose centre is not left of (or above) `edge`."""
    return int(np.ceil(edge - 0.5))
