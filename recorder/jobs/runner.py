"""Carries out a job that was claimed: folder, child, heartbeats, and the output in its place.

It knows nothing of tables and queues: whoever claimed the job gives `beat`, and does with the
result what its queue wants.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar

import structlog

from recorder.jobs.attempt import attempt
from recorder.jobs.job import Job
from recorder.jobs.outputs import Outputs
from recorder.jobs.settings import JobSettings
from recorder.jobs.wire import Finished, MediaFrom, Order, Refused
from recorder.work import kinds
from recorder.work.task import Kind, WorkError

log = structlog.get_logger(__name__)

T = TypeVar("T")

Beat = Callable[[float], Awaitable[bool]]
"""Tell how far it is, and keep the lease. False: the job is somebody else's now."""

TOLD_S: Final = 0.5
"""Progress is written so often at most."""
BEATS: Final = 4
"""Heartbeats in the time of a lease."""


class Runner:
    """Of one storage folder. Several machines may share it, then by a file system of theirs."""

    def __init__(
        self,
        recordings: Path,
        settings: JobSettings,
        works: Mapping[Kind, str] = kinds.WORKS,
        media: MediaFrom | None = None,
    ) -> None:
        self._recordings = recordings.absolute()
        self._settings = settings
        self._works = works
        self._media = media

    async def run(self, job: Job, beat: Beat) -> Finished | Refused | None:
        """One attempt. None: the lease was lost, and nothing was left behind.

        Cancelled, it ends the child first.
        """
        folder = self._recordings / job.spec.recording
        outputs = Outputs(folder)
        try:
            facts = await asyncio.to_thread(outputs.facts, job.key)
            if facts is not None:
                return Finished(facts)  # whoever made it did not come to say so
            if not folder.is_dir():
                return Refused("The recording is gone.", again=False)
            out = await asyncio.to_thread(outputs.begin, job.key, job.attempts)
            try:
                return await self._make(job, folder, out, outputs, beat)
            finally:
                await _in_thread(lambda: outputs.abandon(job.key, job.attempts))
        except OSError as error:
            return Refused(f"Its output cannot be written: {error}")

    async def _make(
        self, job: Job, folder: Path, out: Path, outputs: Outputs, beat: Beat
    ) -> Finished | Refused | None:
        limits = self._settings.limits_for(job.spec.kind)
        order = Order(
            job.spec,
            job.version,
            self._works[job.spec.kind],
            str(folder),
            str(out),
            limits.memory_bytes,
            limits.cpu_s,
            self._media,
        )
        pulse = _Pulse(beat, self._settings.lease_s / BEATS)
        beating = asyncio.create_task(pulse.keep())
        working = asyncio.create_task(attempt(order, limits, pulse.move))
        try:
            await asyncio.wait((beating, working), return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                log.warning("a job was lost to another worker", key=job.key, attempt=job.attempts)
                return None
            result = working.result()
            if isinstance(result, Finished):
                try:
                    await _in_thread(lambda: outputs.publish(job.key, job.attempts))
                except WorkError as error:
                    return Refused(str(error), again=False)
            return result
        finally:
            for task in (working, beating):
                task.cancel()
            await asyncio.gather(working, beating, return_exceptions=True)


class _Pulse:
    """Heartbeats, and progress as soon as it moves."""

    def __init__(self, beat: Beat, every_s: float) -> None:
        self._beat = beat
        self._every_s = every_s
        self._done = 0.0
        self._moved = asyncio.Event()

    def move(self, done: float) -> None:
        if done != self._done:
            self._done = done
            self._moved.set()

    async def keep(self) -> None:
        """Until the lease is lost."""
        while True:
            began_s = time.monotonic()
            self._moved.clear()
            try:
                if not await self._beat(self._done):
                    return
            except Exception as error:
                # Trying goes on: whether the lease is lost is for the queue to say.
                log.warning("a job's heartbeat failed", error=str(error))
            await asyncio.sleep(min(TOLD_S, self._every_s))
            left_s = self._every_s - (time.monotonic() - began_s)
            try:
                async with asyncio.timeout(max(0.0, left_s)):
                    await self._moved.wait()
            except TimeoutError:
                continue


async def _in_thread(work: Callable[[], T]) -> T:
    """Blocking work that is waited for even when we are cancelled: half done, it would harm."""
    doing = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        await asyncio.wait((doing,))
        raise
