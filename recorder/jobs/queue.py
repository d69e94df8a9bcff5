"""The interface to batch jobs, and the queue of one machine: a table and processes.

    queue = LocalQueue(storage, settings)
    await queue.start()
    job = await queue.submit(Spec("poster", recording))
    async for job in queue.changes(): ...
    await queue.stop()

Whatever else changed its state, an output that is there is what counts: `recorder.jobs.outputs`
finds it by the job's key.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol, TypeVar

from recorder.jobs.changes import Followers
from recorder.jobs.job import Job
from recorder.jobs.key import Extent, Keys
from recorder.jobs.outputs import Outputs
from recorder.jobs.pool import Pool, now_ms
from recorder.jobs.runner import Runner
from recorder.jobs.settings import JobSettings
from recorder.jobs.table import Table
from recorder.jobs.wire import MediaFrom
from recorder.recording import ID, NotARecording, Recording
from recorder.replay import Replay
from recorder.work import kinds
from recorder.work.task import Kind, Spec

T = TypeVar("T")

RECORDINGS: Final = "recordings"
"""The folder of all recordings, within the storage folder."""


class QueueDown(Exception):
    """The queue cannot be reached, or refuses to write. Whether the call took effect is open;
    to call again does no harm."""


class JobQueue(Protocol):
    """All calls from one event loop. Raises QueueDown."""

    async def start(self) -> None:
        """Begin to work, and to hear of changes."""
        ...

    async def stop(self) -> None:
        """What runs is given back, as if it had not begun. Idempotent."""
        ...

    async def submit(
        self,
        spec: Spec,
        *,
        priority: int = 0,
        again: bool = False,
        extent: Extent | None = None,
    ) -> Job:
        """The job that makes this: a new one, or the one there is.

        A higher priority goes first. `again`: a job that failed is tried anew. `extent`: of the
        recording, where the caller has read it anyway. Raises NotARecording where it cannot be
        read.
        """
        ...

    async def find(self, key: str) -> Job | None:
        """The job of this key. Where there is none any more, its output may be there still."""
        ...

    async def of(self, recording: str) -> Sequence[Job]:
        """All of a recording, in the order of their making."""
        ...

    async def forget(self, recording: str) -> None:
        """Drop all jobs of a recording, which is about to be deleted. What runs is ended soon."""
        ...

    def changes(self) -> AsyncIterator[Job]:
        """Jobs as they change from now on: made, begun, further, done, failed.

        Of one that changes faster than is read, only the newest state. Needs `start`.
        """
        ...


class LocalQueue:
    """A JobQueue in the storage folder. Several processes may have one on the same folder."""

    def __init__(
        self,
        storage: Path,
        settings: JobSettings | None = None,
        works: Mapping[Kind, str] = kinds.WORKS,
        media: MediaFrom | None = None,
    ) -> None:
        """`media`: from where children get chunks that are no longer in the folder.

        Raises OSError and sqlite3.Error where the table cannot be used.
        """
        settings = settings or JobSettings()
        self._recordings = storage / RECORDINGS
        self._works = works
        self._table = Table(storage, settings)
        self._followers = Followers()
        self._pool = Pool(
            self._table,
            self._recordings,
            Runner(self._recordings, settings, works, media),
            settings,
            self._followers.put,
        )
        self._closed = False

    async def start(self) -> None:
        try:
            await self._pool.start()
        except sqlite3.Error as error:
            raise QueueDown(f"SQLite: {error}") from error

    async def stop(self) -> None:
        if self._closed:
            return
        self._closed = True
        await self._pool.stop()
        self._followers.close()
        self._table.close()

    async def submit(
        self,
        spec: Spec,
        *,
        priority: int = 0,
        again: bool = False,
        extent: Extent | None = None,
    ) -> Job:
        def submit() -> Job:
            key, version, there = prepared(self._recordings, self._works, spec, extent)
            return self._table.submit(
                key, spec, version, now_ms(), priority=priority, there=there, again=again
            )

        job = await self._asks(submit)
        self._pool.wake()
        return job

    async def find(self, key: str) -> Job | None:
        return await self._asks(lambda: self._table.find(key))

    async def of(self, recording: str) -> Sequence[Job]:
        return await self._asks(lambda: self._table.of(recording))

    async def forget(self, recording: str) -> None:
        await self._asks(lambda: self._table.forget(recording))

    def changes(self) -> AsyncIterator[Job]:
        return self._followers.open()

    async def _asks(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(work)
        except sqlite3.Error as error:
            raise QueueDown(f"SQLite: {error}") from error


def prepared(
    recordings: Path, works: Mapping[Kind, str], spec: Spec, extent: Extent | None
) -> tuple[str, int, bool]:
    """Key, version, and whether the output is there. Blocking. Raises NotARecording."""
    if not ID.fullmatch(spec.recording):
        raise NotARecording(f"{spec.recording!r} is no recording's name.")
    folder = recordings / spec.recording
    if extent is None:
        try:
            extent = Extent.of(Replay.of(Recording.read(folder)))
        except OSError as error:
            raise NotARecording(f"{spec.recording}: {error.strerror}") from error
    key = Keys(extent, works).of(spec)
    return key, kinds.version(works[spec.kind]), Outputs(folder).find(key) is not None
