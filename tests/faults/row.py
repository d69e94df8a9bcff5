"""A row of the fault table: what is done to the platform, what may come of it, and what did."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.world import World


LIGHT = 0.5
"""Cores, for a row that waits more than it computes."""
STEADY = 0.8
"""For one that plays, with little to encode or to decode."""
BUSY = 1.2
"""For one that keeps a core busy: a browser that plays and a phone that encodes, for example."""
WHOLE = 2.0
"""For one that fills the cores, or whose figure others would disturb: a delay in milliseconds, or
nothing lost in a flood."""


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
    cores: float = LIGHT
    """What it wants of the machine for itself, by which others run beside it or do not."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one run: figures, or how it failed, or why it could not be made."""

    seed: int
    seconds: float = 0.0
    measured: Measured | None = None
    failure: str = ""
    not_run: str = ""

    @property
    def text(self) -> str:
        if self.measured is None:
            return f"not run: {self.not_run}" if self.not_run else f"FAILED: {self.failure}"
        shown = ", ".join(f"{what} {value:g}" for what, value in self.measured.figures.items())
        return f"{shown}; {self.measured.note}" if self.measured.note else shown


@dataclass(slots=True)
class Outcome:
    """All runs of a row."""

    row: Row
    measured: list[Measured] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    """Runs that gave no figure, by their error."""
    not_run: str = ""

    def add(self, attempt: Attempt) -> None:
        if attempt.measured is not None:
            self.measured.append(attempt.measured)
        elif attempt.not_run:
            self.not_run = attempt.not_run
        else:
            self.failures.append(attempt.failure)

    def values(self, target: Target) -> list[float]:
        return [one.figures[target.what] for one in self.measured]


def shown(value: float, unit: str) -> str:
    """With as many digits as mean something."""
    digits = 0 if value == int(value) else 1 if abs(value) >= 10 else 2
    text = f"{value:,.{digits}f}"
    return f"{text} {unit}" if unit else text
