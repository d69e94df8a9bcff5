"""What came of fuzzing one target, and the table of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one target."""

    target: str
    runs: int
    seconds: float
    crash: Path | None = None
    """The input that broke it, or what it said when there is none."""
    detail: str = ""

    @property
    def passed(self) -> bool:
        return not self.crash and not self.detail

    def row(self) -> str:
        rate = self.runs / self.seconds if self.seconds else 0
        result = "ok" if self.passed else " ".join(["BROKEN", str(self.crash or ""), self.detail])
        return f"{self.target:<14}{self.runs:>12}{rate:>12.0f}  {result}"


def table(outcomes: Sequence[Outcome]) -> str:
    """Target, runs, runs a second, result."""
    head = f"{'target':<14}{'runs':>12}{'runs/s':>12}  result"
    return "\n".join([head, *(outcome.row() for outcome in outcomes)])
