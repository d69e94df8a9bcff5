"""A storage folder with small recordings, and queues on it whose works are made for tests."""

from __future__ import annotations

import asyncio
import os
import select
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from recorder import index, records
from recorder.jobs.job import Job
from recorder.jobs.outputs import Outputs
from recorder.jobs.queue import JobQueue, LocalQueue
from recorder.jobs.settings import JobSettings, Limits
from recorder.jobs.wire import MediaFrom
from recorder.work.task import Kind, Spec, Value

RECORDING: Final = "garden-20260301-180000-abc234"
OTHER: Final = "terrace-20260301-190000-xyz567"
PATIENCE_S: Final = 60.0
"""The machine may be slow: nothing is measured by it."""

LIMITS: Final = Limits(memory_bytes=1 << 30, cpu_s=30, time_s=PATIENCE_S, silence_s=PATIENCE_S)
SETTINGS: Final = JobSettings(pauses_s=(0.0,), lease_s=PATIENCE_S, look_s=0.1, limits=LIMITS)
"""Nothing waits, and no lease runs out unless a test wants it."""
MANY: Final = replace(SETTINGS, lease_s=5.0)
"""For the queue of many machines."""


def work(name: str) -> dict[Kind, str]:
    """Let a function of `works` make posters."""
    return {"poster": f"tests.recorder.jobs.works:{name}"}


def spec(recording: str = RECORDING, **parameters: Value) -> Spec:
    return Spec("poster", recording, parameters)


def make_recording(storage: Path, recording: str = RECORDING, parts: int = 4) -> Path:
    """One chunk of a picture, half a second a part. Its media is no media."""
    folder = storage / "recordings" / recording
    folder.mkdir(parents=True)
    init = b"init"
    lines: list[records.Record] = [
        records.Began(records.VERSION, recording, "garden", "Roses", 1_000_000),
        records.Session(1, "epoch", 1_000_000),
        records.Chunk("source", 1, 1, 1, init, "avc1.640028", 90_000, 1920, 1080, 30.0),
    ]
    lines += [
        records.Part("source", 1, number, 0, 45_000 * number, 45_000, 4 + 4 * number, 4, 0, True)
        for number in range(parts)
    ]
    (folder / records.chunk_name("source", 1)).write_bytes(init + b"part" * parts)
    (folder / index.FILE).write_bytes(b"".join(index.encode(line) for line in lines))
    return folder


@asynccontextmanager
async def queue_on(
    storage: Path,
    name: str,
    settings: JobSettings = SETTINGS,
    media: MediaFrom | None = None,
) -> AsyncIterator[LocalQueue]:
    """A started queue."""
    queue = LocalQueue(storage, settings, work(name), media)
    await queue.start()
    try:
        yield queue
    finally:
        await queue.stop()


async def until(
    changes: AsyncIterator[Job], reached: Callable[[Job], bool], key: str | None = None
) -> Job:
    """The first change that is so."""
    async with asyncio.timeout(PATIENCE_S):
        async for job in changes:
            if (key is None or job.key == key) and reached(job):
                return job
    raise AssertionError("the queue was stopped")


async def settled(queue: JobQueue, asked: Spec) -> Job:
    """Submit, and wait for the end."""
    changes = queue.changes()
    job = await queue.submit(asked)
    return job if job.settled else await until(changes, lambda job: job.settled, job.key)


def halfway(job: Job) -> bool:
    """It says so when it is about to stand still."""
    return job.state == "running" and job.progress == 0.5


def making(storage: Path, job: Job, recording: str = RECORDING) -> Path:
    """Where the attempt that runs makes its output."""
    return storage / "recordings" / recording / "derived" / f".{job.key}.{job.attempts}"


def pid_of(storage: Path, job: Job) -> int:
    return int((making(storage, job) / "pid").read_text())


def outputs(storage: Path, recording: str = RECORDING) -> Outputs:
    return Outputs(storage / "recordings" / recording)


def in_derived(storage: Path, recording: str = RECORDING) -> set[str]:
    """All names, those of what is not complete too."""
    return {path.name for path in (storage / "recordings" / recording / "derived").iterdir()}


@contextmanager
def watched(pid: int) -> Iterator[Callable[[], None]]:
    """A function that waits until that process has ended."""
    handle = os.pidfd_open(pid)
    waiter = select.poll()
    waiter.register(handle, select.POLLIN)

    def ended() -> None:
        if not waiter.poll(PATIENCE_S * 1_000):
            raise TimeoutError(f"process {pid} lives on")

    try:
        yield ended
    finally:
        os.close(handle)
