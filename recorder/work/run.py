"""The main program of a job's process: one order, one work, one result.

    python -m recorder.work.run <pid of whoever starts it>

The order comes on the standard input (`recorder.jobs.wire`); lines of JSON go to the standard
output. Whatever else is printed goes to the standard error.
"""

from __future__ import annotations

import importlib
import math
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO, Final, cast

import msgspec

from recorder.jobs import confine
from recorder.jobs.outputs import complete
from recorder.jobs.wire import Finished, MediaFrom, Order, Progress, Refused, Said
from recorder.media import LocalMedia, Media
from recorder.recording import NotARecording, Recording
from recorder.work import kinds
from recorder.work.task import Report, Task, Value, WorkError

REPORT_S: Final = 0.2
"""Progress is told so often at most."""


def main() -> None:
    confine.die_with(int(sys.argv[1]))
    confine.stand_back()
    teller = Teller(_own_output())
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    confine.bound(order.memory_bytes, order.cpu_s)
    teller.say(carry_out(order, teller.report))


class Teller:
    """Says how far it is, not too often."""

    def __init__(self, to: BinaryIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._to = to
        self._clock = clock
        self._told_s = -math.inf

    def report(self, done: float) -> None:
        now_s = self._clock()
        if now_s - self._told_s >= REPORT_S:
            self._told_s = now_s
            self.say(Progress(min(1.0, max(0.0, done))))

    def say(self, said: Said) -> None:
        self._to.write(msgspec.json.encode(said) + b"\n")
        self._to.flush()


def carry_out(order: Order, report: Report) -> Finished | Refused:
    """Do the work. When it is finished, its files are on the disk. Raises nothing."""
    out = Path(order.out)
    try:
        work, version = kinds.load(order.work)
        if version != order.version:
            # Another machine, or a later start of this one, has other code.
            return Refused(f"This worker makes version {version}, not {order.version}.")
        folder = Path(order.folder)
        try:
            recording = Recording.read(folder)
        except (NotARecording, FileNotFoundError) as error:
            return Refused(f"The recording cannot be read: {error}", again=False)
        facts = work(Task(order.spec, recording, _media(folder, order.media), out), report)
        complete(out, facts)
    except WorkError as error:
        return Refused(str(error), again=False)
    except MemoryError:
        return Refused("It needs more memory than it may have.")
    except Exception as error:
        traceback.print_exc()
        return Refused(f"{type(error).__name__}: {error}")
    return Finished(facts)


def _media(folder: Path, source: MediaFrom | None) -> Media:
    if source is None:
        return LocalMedia(folder)
    name, _, function = source.opener.partition(":")
    opener = cast(
        Callable[[Path, Mapping[str, Value]], Media],
        getattr(importlib.import_module(name), function),
    )
    return opener(folder, source.settings)


def _own_output() -> BinaryIO:
    """The standard output for us alone: libraries print what they like, to the error."""
    ours = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(ours, "wb")


if __name__ == "__main__":
    main()
