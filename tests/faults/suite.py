"""Runs rows: each seed in a fresh world, with a limit in time, and everything ended after it."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest

from tests.faults.row import Measured, NotRun, Outcome, Row
from tests.faults.world import World

Tell = Callable[[str], None]


class TooLong(Exception):
    """A run did not end within its limit."""


def run(rows: Sequence[Row], seeds: int, tell: Tell) -> list[Outcome]:
    """All rows, one after the other; `tell` gets the progress."""
    outcomes = []
    for number, row in enumerate(rows, start=1):
        outcome = Outcome(row, not_run=missing(row))
        outcomes.append(outcome)
        if outcome.not_run:
            tell(f"[{number}/{len(rows)}] {row.name}: not run: {outcome.not_run}")
            continue
        for seed in range(1, 1 + (1 if row.once else seeds)):
            began = time.monotonic()
            said, again = _attempt(outcome, seed)
            took = time.monotonic() - began
            tell(f"[{number}/{len(rows)}] {row.name}, seed {seed}: {said} ({took:.0f} s)")
            if not again:
                break
    return outcomes


def missing(row: Row) -> str:
    """What the row needs and this machine lacks; empty when all is there."""
    lacks = [need for need in row.needs if need != "root" and shutil.which(need) is None]
    if "root" in row.needs and os.geteuid() != 0:
        lacks.append("root")
    return f"missing: {', '.join(lacks)}" if lacks else ""


def one(row: Row, seed: int) -> Measured:
    """One run. Raises whatever the row does, TooLong when its time is over, and ValueError when
    it gives other figures than it has targets for."""
    with (
        tempfile.TemporaryDirectory(prefix="sluice-faults-") as folder,
        World(Path(folder)) as world,
        _within(row.limit_s),
    ):
        measured = row.run(world, seed)
    wanted = {target.what for target in row.targets}
    if set(measured.figures) != wanted:
        raise ValueError(f"figures {sorted(measured.figures)}, wanted {sorted(wanted)}")
    return measured


def _attempt(outcome: Outcome, seed: int) -> tuple[str, bool]:
    """What to say of it, and whether to try other seeds."""
    try:
        measured = one(outcome.row, seed)
    # A test's helper says it by a skip, or in CI by a failure: a mount that is not allowed.
    except (NotRun, pytest.skip.Exception, pytest.fail.Exception) as reason:
        outcome.not_run = str(reason)
        return f"not run: {reason}", False
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        outcome.failures.append(text)
        return f"FAILED: {text}", True
    outcome.measured.append(measured)
    shown = ", ".join(f"{what} {value:g}" for what, value in measured.figures.items())
    return (f"{shown}; {measured.note}" if measured.note else shown), True


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    def over(number: int, frame: FrameType | None) -> None:
        raise TooLong(f"it did not end within {seconds:g} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
