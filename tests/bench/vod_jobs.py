"""Jobs as the runner lets a child do them, and files that are read from the disk again."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from recorder.jobs.attempt import attempt
from recorder.jobs.settings import Limits
from recorder.jobs.wire import Finished, Order
from recorder.work.task import Facts, Kind, Spec
from tests.bench import metered_work

WORK: Final = f"{metered_work.__name__}:run"


@dataclass(frozen=True, slots=True)
class JobRun:
    """One job, from the start of its process until its output was on the disk."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    """Resident memory."""
    size: int
    """Bytes of its output."""


def run(kind: Kind, recording: Path, out: Path) -> JobRun:
    """Raises RuntimeError where it comes to nothing. What was made is deleted again."""
    limits = Limits()
    order = Order(
        Spec(kind, recording.name),
        metered_work.VERSION,
        WORK,
        str(recording.absolute()),
        str(out.absolute()),
        limits.memory_bytes,
        limits.cpu_s,
    )
    out.mkdir()
    try:
        begun = time.monotonic()
        said = asyncio.run(attempt(order, limits, lambda done: None))
        wall_s = time.monotonic() - begun
        if not isinstance(said, Finished):
            raise RuntimeError(f"{kind}: {said.error}")
        size = sum(one.stat().st_size for one in out.iterdir())
        return told(said.facts, wall_s, size)
    finally:
        shutil.rmtree(out)


def told(facts: Facts, wall_s: float, size: int) -> JobRun:
    """What a metered work says of its process."""
    cpu_s, peak_kb = facts["cpu_s"], facts["peak_kb"]
    assert isinstance(cpu_s, float)
    assert isinstance(peak_kb, int)
    return JobRun(wall_s, cpu_s, peak_kb / 1_024, size)


def forget(folder: Path) -> None:
    """Have the kernel drop its copy of the files: they are read from the disk next time."""
    os.sync()  # what is not on the disk yet would stay
    for path in files(folder):
        with path.open("rb", buffering=0) as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def remember(folder: Path) -> None:
    """Have the kernel keep a copy of the files, as far as it has room."""
    os.sync()
    block = memoryview(bytearray(1 << 20))
    for path in files(folder):
        with path.open("rb", buffering=0) as file:
            while file.readinto(block):
                pass


def files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file()]
