"""Runs rows, each seed in a fresh world, and as many side by side as the machine has cores for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from tests.faults.attempt import apart
from tests.faults.row import Attempt, Outcome, Row

Tell = Callable[[str], None]
Attempting = Callable[[Row, int], Attempt]
Run = tuple[Row, int]
"""A row, and the seed."""


def run(
    rows: Sequence[Row],
    seeds: int,
    tell: Tell,
    *,
    attempt: Attempting = apart,
    cores: float | None = None,
) -> list[Outcome]:
    """All rows, in their order; `tell` gets the progress.

    `cores`: how many there are to share out; by default those of the machine.
    """
    outcomes = {row: Outcome(row, not_run=missing(row)) for row in rows}
    for outcome in outcomes.values():
        if outcome.not_run:
            tell(f"{outcome.row.name}: not run: {outcome.not_run}")
    waiting = [
        (row, seed)
        for row, outcome in outcomes.items()
        if not outcome.not_run
        for seed in range(1, 1 + (1 if row.once else seeds))
    ]
    made: list[tuple[Row, Attempt]] = []
    free = float(cores or os.cpu_count() or 1)
    under_way: dict[Future[Attempt], Row] = {}
    with ThreadPoolExecutor(max_workers=max(1, len(waiting))) as threads:
        while waiting or under_way:
            busy = sum(row.cores for row in under_way.values())
            while (chosen := fitting(waiting, free - busy, alone=not under_way)) is not None:
                waiting.remove(chosen)
                row, seed = chosen
                under_way[threads.submit(attempt, row, seed)] = row
                busy += row.cores
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                row, found = under_way.pop(future), future.result()
                made.append((row, found))
                if found.not_run:  # nor would it be with another seed
                    waiting = [one for one in waiting if one[0] is not row]
                count = f"{len(made)}/{len(made) + len(under_way) + len(waiting)}"
                tell(
                    f"[{count}] {row.name}, seed {found.seed}: {found.text} ({found.seconds:.0f} s)"
                )
    for row, found in sorted(made, key=lambda one: one[1].seed):
        outcomes[row].add(found)
    return list(outcomes.values())


def fitting(waiting: Iterable[Run], free: float, *, alone: bool) -> Run | None:
    """The next that there is room for: the largest, so that small ones fill what it leaves.

    `alone`: nothing runs, so that anything may, however few cores the machine has.
    """
    fits = [one for one in waiting if alone or one[0].cores <= free]
    return max(fits, key=lambda one: one[0].cores, default=None)


def missing(row: Row) -> str:
    """What the row needs and this machine lacks; empty when all is there."""
    lacks = [need for need in row.needs if need != "root" and shutil.which(need) is None]
    if "root" in row.needs and os.geteuid() != 0:
        lacks.append("root")
    return f"missing: {', '.join(lacks)}" if lacks else ""
