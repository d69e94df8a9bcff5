"""What the outcomes come to: a line for each target, the exit code, and the JSON object."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tests.faults.row import Outcome, Row, Target, shown

Verdict = Literal["ok", "missed", "known miss", "failed", "not run"]
HEADER = ("fault", "target", "worst", "median", "")


@dataclass(frozen=True, slots=True)
class Line:
    """One target of one row, over all seeds."""

    row: Row
    target: Target
    values: Sequence[float]
    verdict: Verdict
    reason: str = ""

    @property
    def cells(self) -> tuple[str, str, str, str, str]:
        worst = median = "-"
        if self.values:
            worst = shown(self.target.worst(self.values), self.target.unit)
            median = shown(statistics.median(self.values), self.target.unit)
        verdict = f"{self.verdict}: {self.reason}" if self.reason else self.verdict
        return self.row.name, self.target.text, worst, median, _one_line(verdict)


def lines(outcomes: Iterable[Outcome], known: Mapping[tuple[str, str], str]) -> list[Line]:
    """`known`: misses that are expected, by row and figure, each with its reason."""
    return [_line(outcome, target, known) for outcome in outcomes for target in outcome.row.targets]


def exit_code(found: Iterable[Line], all_must_run: bool) -> int:
    """1 where something is worse than it may be and nobody knew; with `all_must_run` also where
    something could not be tried."""
    bad = {"missed", "failed"} | ({"not run"} if all_must_run else set())
    return int(any(line.verdict in bad for line in found))


def figures(outcomes: Iterable[Outcome], found: Sequence[Line], seeds: int) -> dict[str, object]:
    """The JSON object: every value of every seed."""
    rows = []
    for outcome in outcomes:
        row = outcome.row
        targets = [
            {
                "what": line.target.what,
                "limit": line.target.limit,
                "unit": line.target.unit,
                "least": line.target.least,
                "values": [round(value, 4) for value in line.values],
                "verdict": line.verdict,
                "reason": line.reason,
            }
            for line in found
            if line.row is row
        ]
        notes = [one.note for one in outcome.measured if one.note]
        rows.append({"row": row.name, "family": row.family, "targets": targets, "notes": notes})
    return {"seeds": seeds, "rows": rows}


def _line(outcome: Outcome, target: Target, known: Mapping[tuple[str, str], str]) -> Line:
    row, values = outcome.row, outcome.values(target)
    if outcome.not_run:
        return Line(row, target, values, "not run", outcome.not_run)
    reason = known.get((row.name, target.what), "")
    if outcome.failures:
        # A run without a figure is as bad as a figure can be.
        failed = f"{len(outcome.failures)} of {len(outcome.failures) + len(values)} runs"
        text = reason or f"{failed}: {outcome.failures[0]}"
        return Line(row, target, values, "known miss" if reason else "failed", text)
    if target.meets(target.worst(values)):
        return Line(row, target, values, "ok")
    return Line(row, target, values, "known miss" if reason else "missed", reason)


def _one_line(text: str) -> str:
    """For a cell of a Markdown table."""
    return " ".join(text.split())[:300].replace("|", "/")
