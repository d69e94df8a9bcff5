"""What `make soak` samples, and what it makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from tests.bench.plot import Chart, Point
from tests.bench.process_tree import Member, by_role
from tests.bench.scraped import Figures
from tests.bench.slopes import (
    DAY_H,
    Slope,
    Verdict,
    buckets,
    second_half,
    slope_of,
    verdict,
)

MEMORY: Final = "memory"
ALL: Final = "memory, all processes"
FILES, THREADS, TASKS = "open files", "threads", "tasks of the event loop"
MEMORY_MB_A_DAY: Final = 240.0
"""Ten an hour: among people who come and go, an hour shows no less. Two gigabytes to spare last
more than a week."""
BOUNDS: Final = {FILES: 240.0, THREADS: 24.0, TASKS: 480.0}
"""A day: 10, 1 and 20 an hour. A limit of 4,096 open files lasts two weeks."""
PRESENT: Final = 0.9
"""A process that was there in this part of the samples has a slope of its own; jobs have none."""
PICTURE_POINTS: Final = 8
HEADER: Final = ("what", "from", "to", "an hour (95 %)", "makes in a day", "flat below", "verdict")


@dataclass(frozen=True, slots=True)
class Grown:
    """One figure; the field names are the keys of the JSON object."""

    what: str
    begin: float
    """Median of the second half's first fifth ..."""
    end: float
    """... and of its last."""
    per_hour: float | None
    low: float | None
    high: float | None
    """The interval of `per_hour`."""
    bound_per_day: float
    verdict: Verdict


@dataclass(slots=True)
class Series:
    """All samples, by what was sampled. Memory is in MB (10^6 bytes)."""

    times_s: list[float] = field(default_factory=list)
    values: dict[str, dict[float, float]] = field(default_factory=dict)
    """By the time."""

    def take(self, at_s: float, members: Sequence[Member], figures: Figures | None) -> None:
        """A moment. `figures`: what /metrics said, if it answered."""
        self.times_s.append(at_s)
        memory = by_role(members)
        self._put(ALL, at_s, _mb(sum(memory.values())))
        for role, kb in memory.items():
            self._put(f"{MEMORY}, {role}", at_s, _mb(kb))
        self._put(FILES, at_s, sum(one.files for one in members))
        self._put(THREADS, at_s, sum(one.threads for one in members))
        if figures is not None and ("sluice_tasks", ()) in figures:
            self._put(TASKS, at_s, figures["sluice_tasks", ()])

    def lasting(self) -> list[str]:
        """What was there nearly all the time after the middle."""
        late, _ = second_half(self.times_s, self.times_s)
        return [
            name
            for name, values in self.values.items()
            if sum(at in values for at in late) >= PRESENT * len(late)
        ]

    def of(self, name: str) -> tuple[list[float], list[float]]:
        values = self.values[name]
        return list(values), list(values.values())

    def _put(self, name: str, at_s: float, value: float) -> None:
        self.values.setdefault(name, {})[at_s] = value


def bound_of(name: str) -> float:
    """How much it may grow in a day."""
    return BOUNDS.get(name, MEMORY_MB_A_DAY)


def grown(series: Series) -> list[Grown]:
    """Of all that lasted."""
    return [_grown(name, series) for name in series.lasting()]


def table(found: Sequence[Grown]) -> list[tuple[str, ...]]:
    return [
        (
            one.what + (", MB" if one.what.startswith(MEMORY) else ""),
            f"{one.begin:,.5g}",
            f"{one.end:,.5g}",
            ""
            if one.per_hour is None
            else f"{one.per_hour:+.2f} ({one.low:+.2f} to {one.high:+.2f})",
            "" if one.per_hour is None else f"{one.per_hour * DAY_H:+,.0f}",
            f"{one.bound_per_day:g}",
            one.verdict,
        )
        for one in found
    ]


def charts(series: Series) -> list[Chart]:
    """One for each figure that lasted, from the very beginning."""
    found = []
    for name in series.lasting():
        times_s, values = series.of(name)
        unit = "MB" if name.startswith(MEMORY) else "in all processes"
        points = [
            Point(f"{at / 60:.3g}", float(f"{value:.4g}"))
            for at, value in buckets(times_s, values, PICTURE_POINTS)
        ]
        found.append(Chart(name, "minutes", "" if name == TASKS else unit, points))
    return found


def _grown(name: str, series: Series) -> Grown:
    times_s, values = second_half(*series.of(name))
    slope: Slope | None = slope_of(times_s, values)
    bound = bound_of(name)
    fifth = max(1, len(values) // 5)
    return Grown(
        what=name,
        begin=round(median(values[:fifth]), 2),
        end=round(median(values[-fifth:]), 2),
        per_hour=None if slope is None else round(slope.per_hour, 3),
        low=None if slope is None else round(slope.low, 3),
        high=None if slope is None else round(slope.high, 3),
        bound_per_day=bound,
        verdict=verdict(slope, bound),
    )


def _mb(kb: int) -> float:
    return kb * 1024 / 1e6
