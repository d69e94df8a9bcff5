"""One run of one row: in this process, or in one of its own, so that several go side by side.

`python -m tests.faults.attempt ROW SEED` makes one and prints it as JSON, in its last line.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Final

import pytest

from tests.faults.row import Attempt, Measured, NotRun, Row
from tests.faults.world import World
from tests.journeys.netns import Namespace

PR_SET_PDEATHSIG: Final = 1
ADDRESS: Final = "192.0.2.2/24"
GRACE_S = 30.0
"""For all that a row started to end, after its limit."""


class TooLong(Exception):
    """A run did not end within its limit."""


def here(row: Row, seed: int) -> Attempt:
    """In this process, whose main thread must call it."""
    began = time.monotonic()
    measured, failure, not_run = None, "", ""
    try:
        measured = _figures(row, seed)
    # A test's helper says it by a skip, or in CI by a failure: a mount that is not allowed.
    except (NotRun, pytest.skip.Exception, pytest.fail.Exception) as reason:
        not_run = str(reason) or type(reason).__name__
    except Exception as error:
        failure = f"{type(error).__name__}: {error}"
    return Attempt(seed, time.monotonic() - began, measured, failure, not_run)


def apart(row: Row, seed: int) -> Attempt:
    """In a process and, for root, in a network of its own: nothing there meets another run.

    The row is found by its name. It may be broken off: all that it started ends then.
    """
    began = time.monotonic()
    command = [sys.executable, "-m", __name__, row.name, str(seed)]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            said, complained = process.communicate(timeout=row.limit_s + GRACE_S)
        except BaseException as error:
            _end(process)
            if isinstance(error, subprocess.TimeoutExpired):
                return Attempt(seed, time.monotonic() - began, failure="TooLong: it did not end")
            raise
    lines = said.splitlines()
    if process.returncode != 0 or not lines:
        failure = f"its process ended with {process.returncode}: {complained.strip()[-300:]}"
        return Attempt(seed, time.monotonic() - began, failure=failure)
    return _read(lines[-1])


def main(arguments: Sequence[str] | None = None) -> int:
    from tests.faults import table  # it has all rows, which have no need of it

    name, seed = sys.argv[1:] if arguments is None else arguments
    [row] = [row for row in table.ROWS if row.name == name]
    # A run that is broken off, or whose suite is gone, leaves its `with` blocks.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    with ExitStack() as stack:
        if os.geteuid() == 0:
            network = Namespace()
            stack.callback(network.close)
            _connect(network)
            stack.enter_context(network.entered())
        attempt = here(row, int(seed))
    print(json.dumps(asdict(attempt)))
    return 0


def _connect(network: Namespace) -> None:
    """A browser that sees nothing but loopback makes no WebRTC at all; so here is a cable."""
    network.run("ip", "link", "add", "cable", "type", "veth", "peer", "name", "other-end")
    network.run("ip", "address", "add", ADDRESS, "dev", "cable")
    for end in ("cable", "other-end"):
        network.run("ip", "link", "set", end, "up")
    network.run("ip", "route", "add", "default", "dev", "cable")


def _figures(row: Row, seed: int) -> Measured:
    """Raises whatever the row does, TooLong when its time is over, and ValueError when it gives
    other figures than it has targets for."""
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


def _read(line: str) -> Attempt:
    found = json.loads(line)
    measured = found.pop("measured")
    return Attempt(measured=Measured(**measured) if measured else None, **found)


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(GRACE_S)
    process.kill()


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


if __name__ == "__main__":
    sys.exit(main())
