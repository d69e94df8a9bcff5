"""A distribution as it was counted: how many values fell into each bucket."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts by bucket since the start. Nothing is lost in it but the exact values."""

    bounds: tuple[float, ...]
    """Upper bounds, inclusive, ascending."""
    counts: tuple[int, ...]
    """One more than bounds: the last bucket has no bound. Not cumulative."""
    sum: float

    def __post_init__(self) -> None:
        if len(self.counts) != len(self.bounds) + 1:
            raise ValueError(f"{len(self.counts)} counts do not fit {len(self.bounds)} bounds")

    @property
    def total(self) -> int:
        """How many values there were."""
        return sum(self.counts)

    @property
    def cumulative(self) -> list[tuple[str, int]]:
        """How many values were at most each bound, as Prometheus names bounds."""
        names = [*map(repr, self.bounds), "+Inf"]
        return list(zip(names, accumulate(self.counts), strict=True))
