"""A row of the fault table: what is done to the platform, what may come of it, and what did."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.world import World


@dataclass(frozen=True, slots=True)
class Target:
    """A figure that a row gives, and how bad it may be."""

    what: str
    limit: float
    unit: str = ""
    least: bool = False
    """The figure must reach the limit; otherwise it must not pass it."""

    def meets(self, value: float) -> bool:
        return value >= self.limit if self.least else value <= self.limit

    def worst(self, values: Sequence[float]) -> float:
        return min(values) if self.least else max(values)

    @property
    def text(self) -> str:
        bound = "at least" if self.least else "at most"
        return f"{self.what}: {bound} {shown(self.limit, self.unit)}"


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run of a row gave: a figure for each of its targets, and what else was seen."""

    figures: Mapping[str, float]
    note: str = ""


class NotRun(Exception):
    """The row cannot be tried here; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Row:
    """One fault. `run` gets a fresh world, in which everything that it starts ends, and a seed."""

    name: str
    family: str
    targets: tuple[Target, ...]
    run: Callable[[World, int], Measured]
    needs: tuple[str, ...] = ()
    """Programs; `root` where network namespaces or mounts are made."""
    limit_s: float = 150.0
    """A run that takes longer is broken off, and has failed."""
    once: bool = False
    """No dice are in it: one run is as good as twenty."""


@dataclass(slots=True)
class Outcome:
    """All runs of a row."""

    row: Row
    measured: list[Measured] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    """Runs that gave no figure, by their error."""
    not_run: str = ""

    def values(self, target: Target) -> list[float]:
        return [one.figures[target.what] for one in self.measured]


def shown(value: float, unit: str) -> str:
    """With as many digits as mean something."""
    digits = 0 if value == int(value) else 1 if abs(value) >= 10 else 2
    text = f"{value:,.{digits}f}"
    return f"{text} {unit}" if unit else text
