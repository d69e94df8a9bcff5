"""What one running Sluice holds for recordings: made once, beside the other parts of the house."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from chat.full import Full
from chat.log import LogError
from recorder.catalog.adoption import Adoption, Terms
from recorder.catalog.catalog import Catalog
from recorder.catalog.deletions import StillRecording
from recorder.catalog.vods import Vod
from recorder.chapters import Candidate
from recorder.deletion import Deletion
from recorder.files import Files, LocalFiles
from recorder.jobs.job import channel_of
from recorder.jobs.queue import JobQueue, LocalQueue
from recorder.jobs.settings import JobSettings, Limits
from recorder.jobs.stored import media_from
from recorder.jobs.wire import MediaFrom
from recorder.media import LocalMedia, Media
from recorder.peaks import peaks
from recorder.recording import NotARecording
from recorder.replay import Replay
from recorder.retention import Keeping, decide, settled
from recorder.store.address import AddressError, StoreAddress, parse
from recorder.store.failures import StoreError
from recorder.store.forget import forget_local, has_local
from recorder.store.media import StoreMedia
from recorder.store.plan import Health
from recorder.store.upload import Uploader
from signaling.aftermath import Aftermath
from signaling.chat_house import ChatHouse
from signaling.live_captions import CaptionWriters
from signaling.marker_command import MarkerCommand
from signaling.recordings import FOLDER, Recordings
from signaling.room_erasure import RoomErasure
from signaling.room_replay import RoomReplay
from signaling.shelf import Shelf
from signaling.store_files import StoreFiles
from sluice.channels import ChannelBook
from sluice.clock import Clock
from sluice.config import ConfigError, Settings
from sluice.database import DatabaseDown, sqlite_url
from sluice.ids import ChannelId
from sluice.metrics import Metrics
from sluice.recorder_config import JobsConfig, RecorderConfig
from sluice.tasks import Tasks

if TYPE_CHECKING:
    from obstore.store import ObjectStore

log = structlog.get_logger(__name__)

FILE: Final = "catalog.db"
KEEP_S: Final = 60.0
SOON_S: Final = 5.0
"""Between two looks, where the last one had to leave something and it changed."""
HOUR_MS: Final = 3_600_000


class VodHouse:
    """Owns the catalog, the queue, the uploader, and the recordings of this machine."""

    def __init__(
        self,
        settings: Settings,
        *,
        book: ChannelBook,
        chat: ChatHouse | None,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        """`clock` is the one that media is placed on. Raises ConfigError, OSError and
        sqlite3.Error."""
        config, storage = settings.recorder, settings.storage.path
        self.config = config
        self._book = book
        self._clock = clock
        self._metrics = metrics
        self.folder = storage / FOLDER
        self.catalog = build_catalog(config, storage)
        self.store = open_store(config)
        self._reading = open_store(config, retries=3)
        self.queue: JobQueue = build_queue(config, storage)
        self.rooms = None if chat is None else RoomReplay(chat.hub, chat.history)
        self.shelf = Shelf(self.catalog.vods, self.folder, self._media, clock)
        self.aftermath = Aftermath(
            self.queue,
            self.catalog,
            self.folder,
            config.captions,
            clock,
            metrics,
            self._peaks,
            self._look_sooner,
        )
        self.recordings = Recordings(
            config,
            storage,
            grace_ms=settings.reconnect.grace_ms,
            vods=self.catalog.vods,
            adoption=Adoption(self.catalog.vods, self.folder, self._terms, self.catalog.keepings),
            book=book,
            uploader=self._uploader(),
            clock=clock,
            metrics=metrics,
            finished=self._finished,
        )
        if chat is not None:
            self.recordings.followers.append(MarkerCommand(chat.history, self.recordings))
        self._captions = None
        if config.captions.engine != "none" and config.captions.live:
            self._captions = CaptionWriters(
                config.captions, self.catalog.tracks, self.shelf, clock, metrics
            )
            self.recordings.followers.append(self._captions)
        places: list[Files] = [LocalFiles(self.folder)]
        if self.store is not None:
            places.append(StoreFiles(self.store))
        talk = None if chat is None else RoomErasure(chat.hub)
        self.deletion = Deletion(self.catalog, places, talk)
        self._dropped: set[ChannelId] = set()
        """Channels that were deleted since the start. Others that are not in the book may come
        back with a backup of it, so their recordings stay."""
        self._held_up = False
        """Local chunks that are due stayed: for a job, or as the store has not all of them."""
        self._sooner = asyncio.Event()
        self._tasks = Tasks()

    async def open(self) -> None:
        """Raises DatabaseDown and QueueDown."""
        await self.catalog.open()
        await self.queue.start()
        await self.aftermath.start()
        await self.recordings.open()
        self._tasks.spawn(self._keep_forever(), "vod-keeping")

    async def close(self) -> None:
        """The bridges have stopped before."""
        await self._tasks.close()
        await self.recordings.close()
        if self._captions is not None:
            await self._captions.close()
        await self.aftermath.stop()
        await self.queue.stop()
        await self.catalog.close()

    @property
    def keeping(self) -> Keeping:
        """The rules of channels that chose no others."""
        return keeping_of(self.config)

    async def keeping_in(self, channel: str) -> Keeping:
        """The rules of one channel. Raises DatabaseDown."""
        return settled(await self.catalog.keepings.of(channel), self.keeping)

    async def delete(self, vod: str, by: str, *, keep_clips: bool) -> bool:
        """For its owner. False where there is none. Raises StillRecording and DatabaseDown."""
        found = await self.catalog.vods.get(vod)
        if found is not None and found.state == "recording":
            raise StillRecording(vod)  # its uploads go on
        await self._let_loose(vod)
        record = await self.deletion.delete_vod(
            vod, by=by, reason="owner", now_ms=self._clock.wall_ms(), keep_clips=keep_clips
        )
        if record is not None:
            self._metrics.vod_deleted.labels("owner").inc()
        return record is not None

    async def drop(self, channel: ChannelId) -> None:
        """The channel is deleted, and all that it has here; what is still being recorded goes as
        soon as it is over. Raises DatabaseDown and QueueDown."""
        self._dropped.add(channel)
        await self.catalog.keepings.forget(channel)
        while True:
            page = await self.catalog.vods.page(channel=channel)
            going = [one for one in page.items if one.state != "recording"]
            for vod in going:
                await self._let_loose(vod.id)
                await self.deletion.delete_vod(
                    vod.id, by="", reason="channel", now_ms=self._clock.wall_ms(), keep_clips=False
                )
                self._metrics.vod_deleted.labels("channel").inc()
            if not going:
                break
        # Those that outlived their VOD: the next owner of the name must not have them.
        while clips := (await self.catalog.clips.page(channel=channel)).items:
            for clip in clips:
                await self.deletion.delete_clip(
                    clip.id, by="", reason="channel", now_ms=self._clock.wall_ms()
                )

    async def keep(self) -> None:
        """Delete what is too old or too much, let go of local chunks that the store has, and
        finish what was begun. Raises DatabaseDown."""
        now_ms = self._clock.wall_ms()
        for channel in await self.catalog.quota.channels():
            keeping = await self.keeping_in(channel)
            await self.catalog.vods.rule(channel, keeping.keep_days)
            held = await self.catalog.quota.weigh(channel)
            plan = decide(held.vods, keeping, now_ms, other_bytes=held.other_bytes)
            for one in plan.doomed:
                await self._let_loose(one.id)
            for record in await self.deletion.carry_out(plan, keeping, now_ms):
                self._metrics.vod_deleted.labels(record.reason).inc()
        await self.deletion.sweep(now_ms)
        if self.store is not None:
            await self._let_go(self.store, now_ms)

    # --- inside

    async def _let_loose(self, vod: str) -> None:
        """Nobody works on it any more: it is about to be deleted."""
        await self.queue.forget(vod)
        await self.recordings.let_loose(vod)
        self.shelf.forget(vod)

    async def _let_go(self, store: ObjectStore, now_ms: int) -> None:
        before_ms = now_ms - self.config.store.keep_local_h * HOUR_MS
        self._held_up = False
        page = await self.catalog.vods.page(limit=200)
        for vod in page.items:
            if vod.ended_ms is None or vod.ended_ms > before_ms:
                continue
            # What jobs still have to read is read much quicker here.
            if any(not job.settled for job in await self.queue.of(vod.id)):
                self._held_up = True
                continue
            try:
                freed = await forget_local(store, self.folder / vod.id)
                left = await asyncio.to_thread(has_local, self.folder / vod.id)
            except (OSError, NotARecording, StoreError, AddressError) as error:
                log.warning("local chunks stay", vod=vod.id, reason=str(error))
                continue
            self._held_up = self._held_up or left
            if freed:
                log.info("local chunks are let go", vod=vod.id, size=freed)

    async def _keep_forever(self) -> None:
        while True:
            self._sooner.clear()
            try:
                await self.keep()
            except DatabaseDown as error:
                log.warning("nothing was deleted", reason=str(error))
            except Exception:
                log.exception("the care for recordings failed; it is tried again")
            await asyncio.sleep(SOON_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(KEEP_S - SOON_S):
                    await self._sooner.wait()
                    if not self._held_up:
                        await asyncio.sleep(KEEP_S)

    def _look_sooner(self) -> None:
        """Something changed that may have held chunks up."""
        self._sooner.set()

    def _finished(self, recording: str) -> None:
        channel = ChannelId(channel_of(recording))
        if channel in self._dropped and self._book.get(channel) is None:
            self._tasks.spawn(self.drop(channel), f"drop-{channel}")
        else:
            self.aftermath.finished(recording)

    def _media(self, folder: Path) -> Media:
        if self._reading is None:
            return LocalMedia(folder)
        return StoreMedia(folder, self._reading, folder.name)

    def _terms(self, channel: str) -> Terms:
        known = self._book.get(ChannelId(channel))
        return Terms("token" if known is None else known.access, self.keeping)

    async def _peaks(self, vod: Vod, replay: Replay) -> Sequence[Candidate]:
        if self.rooms is None:
            return ()
        with suppress(LogError, Full):
            return peaks((await self.rooms.messages(vod.channel, replay)).items(), replay)
        return ()

    def _uploader(self) -> Uploader | None:
        if self.store is None:
            return None
        return Uploader(self.store, clock=self._clock, told=self._upload_told)

    def _upload_told(self, health: Health) -> None:
        self._metrics.recorder_uploads_waiting.set(health.waiting)
        if not health.waiting:
            self._look_sooner()
        if health.error:
            self._metrics.recorder_upload_failures.inc()


def keeping_of(config: RecorderConfig) -> Keeping:
    """The rules of channels that chose no others."""
    return Keeping(config.keep_days, config.quota_gb << 30, keep_clips=True)


def build_catalog(config: RecorderConfig, storage: Path) -> Catalog:
    """Nothing is connected yet."""
    if config.database_url is not None:
        return Catalog.at(config.database_url.get_secret_value())
    storage.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = storage / FILE
    path.touch(mode=0o600)
    return Catalog.at(sqlite_url(path))


def build_queue(config: RecorderConfig, storage: Path) -> JobQueue:
    """Raises ConfigError, OSError and sqlite3.Error."""
    settings = job_settings(config.jobs)
    if config.jobs.redis_url is None:
        return LocalQueue(storage, settings, media=media_of_store(config))
    # Imported only where it is used.
    from recorder.jobs.dramatiq_queue import DramatiqQueue

    url = config.jobs.redis_url.get_secret_value()
    return DramatiqQueue(url, storage, settings, prefix=config.jobs.prefix)


def job_settings(config: JobsConfig) -> JobSettings:
    limits = Limits(
        memory_bytes=config.memory_mb << 20,
        time_s=config.limit_s,
        silence_s=config.silence_s,
    )
    return JobSettings(concurrency=config.workers, attempts=config.attempts, limits=limits)


def address_of(config: RecorderConfig) -> StoreAddress | None:
    """None where there is no store. Raises ConfigError."""
    store = config.store
    if not store.url:
        return None
    try:
        return parse(
            store.url,
            endpoint=store.endpoint or "",
            region=store.region,
            access_key="" if store.access_key is None else store.access_key.get_secret_value(),
            secret=store.secret_key,
            allow_http=store.allow_http,
        )
    except AddressError as error:
        raise ConfigError(f"recorder.store: {error}") from None


def open_store(config: RecorderConfig, *, retries: int = 0) -> ObjectStore | None:
    """Nothing is sent yet. Raises ConfigError."""
    address, request_s = address_of(config), config.store.timeout_s
    try:
        return None if address is None else address.open(request_s=request_s, retries=retries)
    except (AddressError, StoreError) as error:
        raise ConfigError(f"recorder.store: {error}") from None


def media_of_store(config: RecorderConfig) -> MediaFrom | None:
    """How jobs read chunks that are not on this machine any more."""
    store = config.store
    if not store.url:
        return None
    return media_from(
        store.url,
        endpoint=store.endpoint or "",
        region=store.region,
        access_key="" if store.access_key is None else store.access_key.get_secret_value(),
        secret=store.secret_key,
        allow_http=store.allow_http,
    )
