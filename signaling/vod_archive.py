"""The recordings of a storage folder as commands find them, beside a server that may be at work.

    archive = Archive(settings)
    async with archive.catalog() as catalog: ...

Nothing is begun that a server would have to be stopped for: SQLite takes turns, and the index of a
recording that is being written is locked by its recorder.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from recorder import index
from recorder.catalog.adoption import Adoption, Terms
from recorder.catalog.catalog import Catalog
from recorder.jobs.queue import JobQueue, LocalQueue
from recorder.media import LocalMedia, Media
from recorder.recording import ID, NotARecording, Recording
from recorder.salvage import chunk_files
from recorder.store.media import StoreMedia
from signaling import vod_house
from signaling.recordings import FOLDER
from signaling.vod_house import FILE, build_catalog, build_queue, job_settings, open_store
from sluice.channels import ChannelBook
from sluice.clock import SystemClock
from sluice.config import ConfigError, Settings
from sluice.ids import ChannelId
from sluice.storage import Store


class Archive:
    """Of one storage folder."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.config = settings.recorder
        self.storage = settings.storage.path
        self.folder = self.storage / FOLDER

    @property
    def has_catalog(self) -> bool:
        """It was made once."""
        return self.config.database_url is not None or (self.storage / FILE).is_file()

    def folder_of(self, vod: str) -> Path:
        """Of a recording by its id; or what a path with a slash in it leads to, wherever that is.

        Raises NotARecording, and OSError.
        """
        if os.sep in vod:
            folder = Path(vod)
            if not _holds_recording(folder):
                raise NotARecording(f"There is no recording in {vod}.")
            return folder
        folder = self.folder / vod
        if not ID.fullmatch(vod) or not _holds_recording(folder):
            raise NotARecording(
                f"There is no recording {vod!r} in {self.folder}: see `sluice vod list`."
            )
        return folder

    def recordings(self) -> Sequence[str]:
        """All that are in the folder, also those whose index is lost. Raises OSError."""
        if not self.folder.is_dir():
            return []
        there = (one for one in self.folder.iterdir() if ID.fullmatch(one.name))
        return sorted(one.name for one in there if _holds_recording(one))

    def media(self, folder: Path) -> Media:
        """Local chunks, and where there is a store, those that only it has. Raises ConfigError."""
        store = open_store(self.config, retries=3)
        return LocalMedia(folder) if store is None else StoreMedia(folder, store, folder.name)

    @asynccontextmanager
    async def catalog(self) -> AsyncIterator[Catalog]:
        """Open, and up to date. Raises DatabaseDown."""
        catalog = build_catalog(self.config, self.storage)
        try:
            await catalog.open()
            yield catalog
        finally:
            await catalog.close()

    async def adoption(self, catalog: Catalog) -> Adoption:
        """With the channels' terms as they are now. Raises OSError and sqlite3.Error."""
        store = await asyncio.to_thread(Store, self.storage)
        try:
            book = ChannelBook(store, SystemClock(), self.settings.limits.channels)
            await book.refresh()
        finally:
            store.close()
        keeping = vod_house.keeping_of(self.config)

        def terms(channel: str) -> Terms:
            known = book.get(ChannelId(channel))
            return Terms("token" if known is None else known.access, keeping)

        return Adoption(catalog.vods, self.folder, terms, catalog.keepings)

    @asynccontextmanager
    async def queue(self) -> AsyncIterator[JobQueue]:
        """Started, to submit and to watch. Jobs are done by others. Raises QueueDown,
        and ConfigError."""
        queue = self._watching()
        try:
            await queue.start()
            yield queue
        finally:
            await queue.stop()

    def worker(self) -> LocalQueue:
        """To work on the jobs of this machine, one at a time. Raises sqlite3.Error."""
        settings = replace(job_settings(self.config.jobs), concurrency=1)
        return LocalQueue(self.storage, settings, media=vod_house.media_of_store(self.config))

    def _watching(self) -> JobQueue:
        if self.config.jobs.redis_url is not None:
            try:
                return build_queue(self.config, self.storage)
            except ValueError as error:
                raise ConfigError(f"recorder.jobs.redis_url: {error}") from None
        return LocalQueue(self.storage, replace(job_settings(self.config.jobs), concurrency=0))


def is_growing(folder: Path, recording: Recording) -> bool:
    """Whether a recorder is at work in it. False of one that a crash left open. Raises OSError."""
    if recording.closed is not None:
        return False
    file = os.open(folder / index.FILE, os.O_RDONLY | os.O_CLOEXEC)
    try:
        # For a moment only: who wants to write meanwhile would be refused.
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def _holds_recording(folder: Path) -> bool:
    """Not what a deleted one leaves, whose clips are kept."""
    if not folder.is_dir():
        return False
    return (folder / index.FILE).is_file() or bool(chunk_files(folder))
