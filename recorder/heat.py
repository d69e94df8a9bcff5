"""How busy the viewers were at each moment of a VOD: the line over the seek bar."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from recorder.replay import Replay

Counts = Iterable[tuple[int, float]]
"""(second of the stream, Unix s; how much happened in it), in any order."""
Seconds = NDArray[np.float64]
"""One value for each second of the VOD."""

MOST_POINTS: Final = 200
SMOOTH_S: Final = 3.0
"""Standard deviation, at least; a point of a long VOD stands for more than that anyway."""


class Heat(msgspec.Struct, frozen=True):
    """Ready for JSON."""

    step_ms: float
    """VOD time from one point to the next. A point stands for the time from it to the next."""
    points: list[float]
    """0 to 1: 1 is the busiest moment. Empty where nothing happened."""


def by_second(counts: Counts, replay: Replay) -> Seconds:
    """The counts on the VOD's time. What happened in a gap, before or after is left out."""
    seconds = np.zeros(-(-replay.duration_us // 1_000_000))
    for second, count in counts:
        at_us = replay.at_vod(second * 1_000_000 + 500_000)
        if at_us is not None and count > 0:
            seconds[at_us // 1_000_000] += count
    return seconds


def line(counts: Counts, replay: Replay, most: int = MOST_POINTS) -> Heat:
    """Reactions, messages or both as a smooth line of at most `most` points."""
    seconds = by_second(counts, replay)
    points = min(most, len(seconds))
    step_ms = replay.duration_us / 1_000 / points if points else 0.0
    if not seconds.any():
        return Heat(step_ms, [])
    smooth = _smoothed(seconds, SMOOTH_S)
    # A second may belong to two points: the sum up to each edge is read between seconds.
    edges = np.linspace(0, replay.duration_us / 1_000_000, points + 1)
    total = np.concatenate([[0.0], np.cumsum(smooth)])
    means = np.diff(np.interp(edges, np.arange(len(total)), total)) / np.diff(edges)
    values = np.clip(_smoothed(means, 0.7) if points > 3 else means, 0, None)
    return Heat(step_ms, [round(float(value), 3) for value in values / values.max()])


def _smoothed(values: Seconds, deviation: float) -> Seconds:
    """By a Gaussian; beyond the ends the same values go on."""
    reach = min(len(values), round(3 * deviation) + 1)
    offsets = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * (offsets / deviation) ** 2)
    padded = np.pad(values, reach, mode="edge")
    return np.convolve(padded, weights / weights.sum(), mode="valid")
