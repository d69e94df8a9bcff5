"""The uploader: what recordings seal goes to the store, while they grow and after a restart.

It never waits on a recorder and no recorder waits on it. What it cannot do now it does later;
`health` says so. All of it belongs to one event loop; files are read in threads.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from recorder import index
from recorder.recording import NotARecording, Recording
from recorder.records import Sealed
from recorder.store import folder as folders
from recorder.store.address import refuse_own_folder
from recorder.store.chunk import ChunkDamaged, object_name, place_chunk
from recorder.store.failures import StoreError
from recorder.store.folder import Unfinished
from recorder.store.plan import Health, Job, UploadPlan
from recorder.store.transfer import digest_of, place
from sluice.clock import Clock, SystemClock
from sluice.tasks import Tasks

if TYPE_CHECKING:
    from obstore.store import ObjectStore

log = structlog.get_logger(__name__)

StoredCallback = Callable[[str, int], None]
"""Told rendition and number of a chunk that the store has, verified. Quick; must not raise."""


@dataclass(slots=True)
class _Followed:
    folder: Path
    stored: StoredCallback | None
    """None: what is stored is written into the index once the recording is closed."""
    closed: bool = False
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the uploader itself writes into the index."""
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: Tasks = field(default_factory=Tasks)


class Uploader:
    """One per machine. `start` it in a running loop, and `stop` it there."""

    def __init__(
        self,
        store: ObjectStore,
        *,
        clock: Clock | None = None,
        parallel: int = 2,
        seed: int | None = None,
        told: Callable[[Health], None] | None = None,
    ) -> None:
        """`parallel`: objects under way at once, for all recordings. `told` hears of every
        failure, and when the store takes uploads again; it is quick and does not raise."""
        self._store = store
        self._clock = clock or SystemClock()
        self._plan = UploadPlan(
            random.randrange(1 << 32) if seed is None else seed, parallel=parallel
        )
        self._followed: dict[str, _Followed] = {}
        self._woken = asyncio.Event()
        self._tasks = Tasks()
        self._failing = False
        self._told = told

    def start(self) -> None:
        self._tasks.spawn(self._run(), "uploader")

    async def stop(self) -> None:
        """Break off what is under way; `unfinished` finds it after the next start."""
        await self._tasks.close()
        for one in list(self._followed.values()):
            await one.tasks.close()

    async def open(
        self, recording: str, folder: Path, stored: StoredCallback | None = None
    ) -> None:
        """A recording begins to grow, or grows again. What it sealed earlier is taken up.

        Call it before its index is opened for writing: when this returns, the uploader leaves
        the index alone until `close`. Raises AddressError where the store is the very folder.
        """
        refuse_own_folder(self._store, folder)
        one = self._followed.get(recording)
        if one is None:
            one = self._followed[recording] = _Followed(folder, stored)
        one.stored, one.closed = stored, False
        one.finished.clear()
        async with one.writing:
            self._plan.open(recording, self._clock.now_ms())
        for sealed in await asyncio.to_thread(_waiting, folder):
            self._plan.sealed(recording, sealed, self._clock.now_ms(), again=True)
        self._woken.set()

    def sealed(self, recording: str, sealed: Sealed) -> None:
        """A chunk is complete and its `Sealed` lasting."""
        if recording in self._followed:
            self._plan.sealed(recording, sealed, self._clock.now_ms())
            self._woken.set()

    def close(self, recording: str) -> None:
        """Nothing is added any more, and nobody else writes into the index now."""
        if (one := self._followed.get(recording)) is not None:
            one.stored, one.closed = None, True
            self._plan.close(recording, self._clock.now_ms())
            self._woken.set()

    async def resume(self, found: Unfinished) -> None:
        """Take up what a process before this one left. An open one still wants its `close`."""
        await self.open(found.recording, found.folder)
        if found.closed:
            self.close(found.recording)

    async def drop(self, recording: str) -> None:
        """Leave it: it is being deleted. When this returns, nothing of it is under way."""
        self._plan.drop(recording)
        if (one := self._followed.pop(recording, None)) is not None:
            await one.tasks.close()
            one.finished.set()
        self._woken.set()

    async def finished(self, recording: str) -> None:
        """Wait until it is closed and the store has all that could be uploaded of it."""
        if (one := self._followed.get(recording)) is not None:
            await one.finished.wait()

    def health(self) -> Health:
        return self._plan.health(self._clock.now_ms())

    def wake(self) -> None:
        """Look again at what is due: for those who turn the clock by hand."""
        self._woken.set()

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            now_ms = self._clock.now_ms()
            while (job := self._plan.take(now_ms)) is not None:
                name = f"upload of {job.recording}"
                one = self._followed[job.recording]
                one.tasks.spawn(self._upload(job, one), name)
            due_ms = self._plan.due_ms(now_ms)
            wait_s = None if due_ms is None else (due_ms - now_ms) / 1_000
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._woken.wait()

    async def _upload(self, job: Job, one: _Followed) -> None:
        """One attempt. Whatever comes of it, the plan hears of it."""
        try:
            if job.sealed is None:
                size = await self._upload_index(job, one)
            else:
                size = 0
                await place_chunk(
                    self._store, job.recording, one.folder, job.sealed, again=job.again
                )
        except ChunkDamaged as error:
            log.error("a chunk cannot be uploaded", reason=str(error))
            self._plan.refused(job, self._clock.now_ms(), str(error))
            self._tell()
        except StoreError as error:
            self._failed(job, error)
        except (OSError, NotARecording) as error:
            why = f"{job.recording}: {getattr(error, 'strerror', None) or error}."
            log.warning("an upload waits for the disk", reason=why)
            self._plan.failed(job, self._clock.now_ms(), why, store=False)
            self._tell()
        except Exception as error:  # a fault of ours must not end the uploads
            log.error("an upload failed", recording=job.recording, exc_info=error)
            why = f"{job.recording}: {type(error).__name__}."
            self._plan.failed(job, self._clock.now_ms(), why, store=False)
        else:
            self._done(job, one, size)
        finally:
            self._woken.set()

    def _done(self, job: Job, one: _Followed, size: int) -> None:
        self._plan.done(job, self._clock.now_ms(), size=size)
        if self._failing:
            self._failing = False
            log.info("the store takes uploads again")
            self._tell()
        if job.sealed is not None:
            if one.stored is not None:
                one.stored(job.sealed.rendition, job.sealed.number)
        elif self._plan.is_finished(job.recording):
            one.finished.set()
            if self._followed.get(job.recording) is one:
                del self._followed[job.recording]
                if self._plan.is_whole(job.recording):  # else health goes on telling
                    self._plan.drop(job.recording)

    def _failed(self, job: Job, error: StoreError) -> None:
        if not self._failing:
            self._failing = True
            log.warning("the store does not take uploads", reason=str(error))
        self._plan.failed(job, self._clock.now_ms(), str(error))
        self._tell()

    def _tell(self) -> None:
        if self._told is not None:
            self._told(self.health())

    async def _upload_index(self, job: Job, one: _Followed) -> int:
        """Bring it up to date if nobody else does, and upload it as it stands then."""
        if one.closed:
            async with one.writing:
                if one.closed:
                    stored = self._plan.stored_of(job.recording)
                    await asyncio.to_thread(folders.record_stored, one.folder, stored)
        data = await asyncio.to_thread(folders.index_bytes, one.folder)
        digest = await asyncio.to_thread(digest_of, data)
        await place(self._store, object_name(job.recording, index.FILE), data, digest)
        if job.last and one.closed and self._plan.is_whole(job.recording):
            await asyncio.to_thread(folders.note_stored, one.folder, digest.size, digest.sha256)
        return digest.size


def _waiting(folder: Path) -> list[Sealed]:
    try:
        return folders.waiting_of(Recording.read(folder))
    except (OSError, NotARecording):
        return []  # it just begins, or the verifier will tell
