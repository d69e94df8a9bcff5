"""Whether a figure grows: the slope of a series, how sure that is, and what it makes in a day.

Theil and Sen: the median of the slopes between all pairs of samples. A few wild samples change
nothing, and memory that grows in steps is no trouble. The interval comes from the ranks of these
slopes (Kendall's variance), made wider where each sample resembles the one before: a hundred
samples of a slow wave know less than a hundred that have nothing to do with each other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final, Literal

Verdict = Literal["flat", "grows", "not sure", "too few samples"]

LEAST: Final = 5
"""Samples of which a slope is worth its name."""
Z: Final = 1.96
"""Of 95 %."""
HOUR_S: Final = 3_600.0
DAY_H: Final = 24.0
_ALIKE_MOST: Final = 0.95


@dataclass(frozen=True, slots=True)
class Slope:
    """In units of the figure an hour; the truth is between `low` and `high`, 19 times of 20."""

    per_hour: float
    low: float
    high: float
    samples: int


def second_half(
    times_s: Sequence[float], values: Sequence[float]
) -> tuple[list[float], list[float]]:
    """What was sampled after the middle of the time: by then pools are full and caches warm."""
    if not times_s:
        return [], []
    middle = (times_s[0] + times_s[-1]) / 2
    kept = [(at, one) for at, one in zip(times_s, values, strict=True) if at >= middle]
    return [at for at, _ in kept], [one for _, one in kept]


def slope_of(times_s: Sequence[float], values: Sequence[float]) -> Slope | None:
    """Of samples in the order of their times, in seconds; None for fewer than `LEAST`."""
    count = len(times_s)
    if count < LEAST:
        return None
    slopes = sorted(
        (values[later] - values[one]) / (times_s[later] - times_s[one])
        for one in range(count)
        for later in range(one + 1, count)
        if times_s[later] > times_s[one]
    )
    if not slopes:
        return None
    middle = median(slopes)
    left_over = [one - middle * at for at, one in zip(times_s, values, strict=True)]
    spread = Z * math.sqrt(count * (count - 1) * (2 * count + 5) / 18 * _inflation(left_over))
    pairs = len(slopes)
    low = max(0, math.floor((pairs - spread) / 2))
    high = min(pairs - 1, math.ceil((pairs + spread) / 2))
    return Slope(HOUR_S * middle, HOUR_S * slopes[low], HOUR_S * slopes[high], count)


def verdict(slope: Slope | None, bound_per_day: float) -> Verdict:
    """Flat: even the interval's upper end makes at most `bound_per_day` in a day. It grows: even
    the lower end makes more. What falls is flat."""
    if slope is None:
        return "too few samples"
    if slope.high * DAY_H <= bound_per_day:
        return "flat"
    return "grows" if slope.low * DAY_H > bound_per_day else "not sure"


def buckets(
    times_s: Sequence[float], values: Sequence[float], most: int
) -> list[tuple[float, float]]:
    """At most so many (middle of the time, median of the values), for a picture."""
    size = -(-len(values) // most) if values else 1
    return [
        (median(times_s[at : at + size]), median(values[at : at + size]))
        for at in range(0, len(values), size)
    ]


def _inflation(left_over: Sequence[float]) -> float:
    """How many samples do the work of one, by how much neighbours are alike."""
    mean = sum(left_over) / len(left_over)
    around = [one - mean for one in left_over]
    power = sum(one * one for one in around)
    if power <= 1e-12:
        return 1.0
    alike = sum(one * other for one, other in pairwise(around)) / power
    alike = min(_ALIKE_MOST, max(0.0, alike))
    return (1 + alike) / (1 - alike)
