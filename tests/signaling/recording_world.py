"""Recordings on a storage folder that outlives them, as it outlives servers.

async with recorder_on(tmp_path) as recorder:
    studio = recorder.studio()
    await recorder.recordings.begin(LIVE, studio.presentation)
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bridge.packager import Packager
from bridge.presentation import Presentation
from recorder import index
from recorder.catalog.adoption import Adoption, Terms
from recorder.catalog.catalog import Catalog
from recorder.catalog.vods import Vod
from recorder.recording import Recording
from recorder.records import Closed, Record
from recorder.retention import Keeping
from recorder.store.upload import Uploader
from signaling.recordings import FOLDER, Recordings
from signaling.vod_house import FILE, build_catalog, open_store
from sluice.channels import ChannelBook
from sluice.clock import Clock, VirtualClock
from sluice.ids import ChannelId
from sluice.metrics import Metrics
from sluice.recorder_config import RecorderConfig
from sluice.storage import Store
from tests.bridge.rules import Witness
from tests.bridge.studio import Studio
from tests.signaling.door import Door
from tests.signaling.vod_world import CHANNEL

LIVE: Final = ChannelId("live")
GRACE_MS: Final = 60_000


@dataclass
class Watcher:
    """A follower: what began and what ended."""

    begun: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    async def begin(self, recording: str, presentation: Presentation) -> None:
        self.begun.append(recording)

    async def end(self, recording: str) -> None:
        self.ended.append(recording)


@dataclass
class Recorder:
    """One server's life."""

    storage: Path
    recordings: Recordings
    catalog: Catalog
    book: ChannelBook
    clock: VirtualClock
    metrics: Metrics
    uploader: Uploader | None
    watcher: Watcher
    finished: list[str] = field(default_factory=list)
    """What is over, and in the catalog."""
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def finish(self, recording: str) -> None:
        self.finished.append(recording)
        self._news.set()

    async def over(self, recording: str) -> None:
        """Wait until it is."""
        async with asyncio.timeout(30):
            while recording not in self.finished:
                self._news.clear()
                await self._news.wait()

    def studio(self, epoch: str = "one") -> Studio:
        return studio_at(self.clock, epoch)

    async def begin(self, epoch: str = "one") -> tuple[str, Studio]:
        """A broadcast begins, with picture and sound."""
        studio = self.studio(epoch)
        await self.recordings.begin(LIVE, studio.presentation)
        studio.video()
        studio.audio()
        recording = self.recordings.running(LIVE)
        assert recording is not None
        return recording, studio

    async def end(self, studio: Studio) -> None:
        studio.end()
        await self.recordings.end(LIVE, studio.presentation)

    def folder(self, recording: str) -> Path:
        return self.storage / FOLDER / recording

    def read(self, recording: str) -> Recording:
        return Recording.read(self.folder(recording))

    async def vod(self, recording: str) -> Vod:
        found = await self.catalog.vods.get(recording)
        assert found is not None
        return found

    def counted(self, name: str, **labels: str) -> float:
        return self.metrics._registry.get_sample_value(name, labels) or 0.0


def studio_at(clock: Clock, epoch: str = "one") -> Studio:
    """A studio whose presentation begins now."""
    studio = Studio(ticks=False)
    studio.presentation = Presentation(epoch, clock.wall_ms(), studio.settings)
    studio.packager = Packager(studio.presentation)
    studio.witness = Witness(studio.presentation)
    return studio


async def on_air(door: Door, ms: int) -> tuple[str, Studio]:
    """A broadcast of the recordings' channel begins at a front door, and so much of it is
    recorded."""
    recordings, channel = door.house.vods.recordings, ChannelId(CHANNEL)
    studio = studio_at(door.house.bridges.clock)
    await recordings.begin(channel, studio.presentation)
    studio.video()
    studio.audio()
    studio.run(ms)
    renditions = studio.presentation.renditions.values()
    parts = sum(len(segment.parts) for one in renditions for segment in one.segments)
    async with asyncio.timeout(30):
        # Of older segments the parts are forgotten: that none waits says that these are there too.
        while not _lasting(door, parts):  # noqa: ASYNC110 (a gauge, and no event)
            await asyncio.sleep(0.01)
    recording = recordings.running(channel)
    assert recording is not None
    return recording, studio


def _lasting(door: Door, parts: int) -> bool:
    health = door.house.vods.recordings.health(ChannelId(CHANNEL))
    assert health is not None
    return health.parts >= parts and health.queued_bytes == 0


@asynccontextmanager
async def recorder_on(
    storage: Path, *, clock: VirtualClock | None = None, **settings: object
) -> AsyncIterator[Recorder]:
    """Open and at work. Stops as a server does."""
    tree: dict[str, Any] = {"reserve_mb": 16, "chunk_s": 2, **settings}
    config = RecorderConfig(**tree)
    clock, metrics, watcher = clock or VirtualClock(), Metrics(), Watcher()
    catalog = build_catalog(config, storage)
    await catalog.open()
    store = Store(storage)
    book = ChannelBook(store, clock, 100)
    await book.refresh()
    objects = open_store(config)
    uploader = None if objects is None else Uploader(objects, clock=clock)
    recordings = Recordings(
        config,
        storage,
        grace_ms=GRACE_MS,
        vods=catalog.vods,
        adoption=_adoption(catalog, storage),
        book=book,
        uploader=uploader,
        clock=clock,
        metrics=metrics,
        finished=lambda recording: recorder.finish(recording),
    )
    recorder = Recorder(storage, recordings, catalog, book, clock, metrics, uploader, watcher)
    recordings.followers.append(watcher)
    await recordings.open()
    try:
        yield recorder
    finally:
        await recordings.close()
        await catalog.close()
        store.close()


async def crash(
    storage: Path, recording: str, keep: Callable[[Record], bool] = lambda record: True
) -> None:
    """Leave the recording as a server would have that died: nobody closed it, and the catalog has
    it as one that grows. `keep`: what the index had heard of."""
    path = storage / FOLDER / recording / index.FILE
    records = [one for one in index.read(path).records if not isinstance(one, Closed)]
    path.write_bytes(b"".join(index.encode(one) for one in records if keep(one)))
    catalog = build_catalog(RecorderConfig(), storage)
    await catalog.open()
    await _adoption(catalog, storage).adopt(recording, live=True)
    await catalog.close()


def _adoption(catalog: Catalog, storage: Path) -> Adoption:
    terms = Terms("public", Keeping(14, 0, keep_clips=True))
    return Adoption(catalog.vods, storage / FOLDER, lambda channel: terms)


@contextmanager
def catalog_gone(storage: Path) -> Iterator[None]:
    """Its file is away, as that of a disk that is not mounted. No connection may be open."""
    path, away = storage / FILE, storage / "away"
    path.rename(away)
    path.mkdir()
    try:
        yield
    finally:
        path.rmdir()
        away.rename(path)
