"""Introduces the bridge to the recorder: which broadcasts are kept, and what becomes of them.

A recording begins with its broadcast's presentation and ends with it. Then the catalog shows it,
and jobs make what is not there yet (signaling/aftermath.py). A recording that a crash left open is
recovered at the next start; when its channel is on air again within the grace time, it goes on.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final, Protocol

import structlog

from bridge.presentation import Presentation
from recorder.capture import Capture, CaptureSettings, Health, Trouble
from recorder.catalog.adoption import Adoption
from recorder.catalog.vods import Vods
from recorder.recording import ID, NotARecording, Recording
from recorder.records import VERSION, Began, CloseReason, Mark, Record, Sealed
from recorder.recovery import recover
from recorder.store.address import AddressError
from recorder.store.folder import unfinished
from recorder.store.upload import Uploader
from signaling.capture_tap import CaptureTap
from signaling.writer_watch import RACE_S, all_written, without_writer
from sluice.channels import ChannelBook
from sluice.clock import Clock
from sluice.database import DatabaseDown
from sluice.ids import ChannelId
from sluice.metrics import Metrics
from sluice.recorder_config import RecorderConfig
from sluice.tasks import Tasks

log = structlog.get_logger(__name__)

FOLDER: Final = "recordings"
LOOK_S: Final = 5.0
HOUR_MS: Final = 3_600_000
_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz234567"

TOLD: Final = {
    "disk full": "The disk is full: the recording has ended.",
    "write error": "The disk cannot be written: the recording has ended.",
    "too slow": "The disk is too slow: parts of the recording are lost.",
}
"""What the owner hears of trouble."""

Finished = Callable[[str], None]
"""Told a recording that is over."""
Changed = Callable[[ChannelId], None]


class Follower(Protocol):
    """Who wants to know of what is being recorded, such as live captions."""

    async def begin(self, recording: str, presentation: Presentation) -> None: ...
    async def end(self, recording: str) -> None: ...


@dataclass(slots=True)
class Running:
    """A recording that grows."""

    id: str
    channel: ChannelId
    presentation: Presentation
    capture: Capture
    tap: CaptureTap
    began_ms: int
    """On the monotonic clock."""
    reason: CloseReason = "end"
    ending: asyncio.Lock = field(default_factory=asyncio.Lock)
    ended: bool = False

    @property
    def health(self) -> Health:
        return self.capture.health

    @property
    def over(self) -> bool:
        """It ends, or has been told of what ends it."""
        return self.ended or self.reason != "end"


class Recordings:
    """All recordings of this machine's storage folder. Used from the event loop's thread."""

    def __init__(
        self,
        config: RecorderConfig,
        storage: Path,
        *,
        grace_ms: int,
        vods: Vods,
        adoption: Adoption,
        book: ChannelBook,
        uploader: Uploader | None,
        clock: Clock,
        metrics: Metrics,
        finished: Finished,
    ) -> None:
        self.folder = storage / FOLDER
        self.followers: list[Follower] = []
        self.changed: Changed = lambda channel: None
        """Told when a channel's recording begins, ends, or meets trouble."""
        self._config = config
        self._grace_ms = grace_ms
        self._vods = vods
        self._adoption = adoption
        self._book = book
        self._uploader = uploader
        self._clock = clock
        self._metrics = metrics
        self._finished = finished
        self._running: dict[ChannelId, Running] = {}
        self._troubles: dict[ChannelId, str] = {}
        self._owed: set[str] = set()
        """Recordings of which the catalog does not know how they stand."""
        self._tasks = Tasks()
        self._settings = CaptureSettings(
            chunk_ms=config.chunk_s * 1_000,
            queue_bytes=config.queue_mb << 20,
            reserve_bytes=config.reserve_mb << 20,
        )

    async def open(self) -> None:
        """Recover what a crash left, and take up its uploads. Raises DatabaseDown."""
        await asyncio.to_thread(partial(self.folder.mkdir, 0o700, parents=True, exist_ok=True))
        states = await self._vods.states()
        for folder in await asyncio.to_thread(self._folders):
            # What the catalog shows as over was closed in order, and is not read again.
            if states.get(folder.name, "recording") == "recording":
                await self._recover(folder)
        if self._uploader is not None:
            self._uploader.start()
            for found in await asyncio.to_thread(unfinished, self.folder):
                if states.get(found.recording) != "deleted":
                    await self._uploader.resume(found)
        self._tasks.spawn(self._look_forever(), "recordings-look")

    async def close(self) -> None:
        """End what still runs; the bridges have stopped before."""
        for running in list(self._running.values()):
            running.reason = "stopped"
            await self._end(running)
        await self._tasks.close()
        if self._uploader is not None:
            await self._uploader.stop()

    # --- what the bridges ask (signaling/bridges.py, Recorder)

    def wants(self, channel: ChannelId) -> bool:
        return self._config.record == "always"

    async def begin(self, channel: ChannelId, presentation: Presentation) -> None:
        present = self._running.get(channel)
        if present is not None:
            await self._end(present)
        self._troubles.pop(channel, None)
        try:
            running = await self._begin(channel, presentation)
        except (OSError, NotARecording, DatabaseDown, AddressError) as error:
            # Live goes on without it; the owner sees why, without the names of files here.
            log.error("a broadcast is not recorded", channel=channel, error=str(error))
            reason = getattr(error, "strerror", None) or str(error)
            self._troubles[channel] = f"It is not recorded: {reason.rstrip('.')}."
            self.changed(channel)
            return
        self._running[channel] = running
        self.changed(channel)
        self._metrics.recordings.set(len(self._running))
        # The disk may be full at once: its end waits until the beginning is told.
        async with running.ending:
            await self._adopt(running.id, live=True)
            for follower in self.followers:
                await follower.begin(running.id, presentation)

    async def end(self, channel: ChannelId, presentation: Presentation) -> None:
        running = self._running.get(channel)
        if running is not None and running.presentation is presentation:
            await self._end(running)

    # --- what the front door asks

    def running(self, channel: ChannelId) -> str | None:
        """The recording that the channel's broadcast goes into now."""
        found = self._running.get(channel)
        return None if found is None else found.id

    def health(self, channel: ChannelId) -> Health | None:
        found = self._running.get(channel)
        return None if found is None else found.capture.health

    def trouble(self, channel: ChannelId) -> str | None:
        """What stands in the way of the channel's recording, for its owner."""
        return self._troubles.get(channel)

    def mark(self, channel: ChannelId, mark: Mark) -> bool:
        """Note a moment of what is being recorded. False where nothing is."""
        found = self._running.get(channel)
        if found is None:
            return False
        found.capture.mark(mark)
        return True

    async def let_loose(self, recording: str) -> None:
        """Break off its uploads: it is about to be deleted."""
        if self._uploader is not None:
            await self._uploader.drop(recording)

    async def read(self, recording: str) -> Recording:
        """What the index says now. Raises OSError and NotARecording."""
        return await asyncio.to_thread(Recording.read, self.folder / recording)

    @property
    def writing(self) -> bool:
        """Whether each recording has a thread that writes it, and none of them hangs."""
        return all_written(self._running.values())

    async def look(self) -> None:
        """Begin another recording where one has become too long, or has lost its writer; bring
        figures up to date, and tell the catalog what it could not be told."""
        await self._revive()
        longest_ms = self._config.longest_h * HOUR_MS
        for channel, running in list(self._running.items()):
            if longest_ms and self._clock.now_ms() - running.began_ms >= longest_ms:
                # The same broadcast goes on in another one, from its next keyframe on.
                await self.begin(channel, running.presentation)
        waiting_ms = [one.capture.health.waiting_ms for one in self._running.values()]
        self._metrics.recorder_waiting.set(max(waiting_ms, default=0) / 1_000)
        owed, self._owed = self._owed, set()
        for running in list(self._running.values()):
            if running.id in owed:
                async with running.ending:
                    if not running.ended:
                        await self._adopt(running.id, live=True)
                owed.discard(running.id)
        for recording in owed:
            await self._finish(recording)

    # --- inside

    async def _begin(self, channel: ChannelId, presentation: Presentation) -> Running:
        known = self._book.get(channel)
        title = "" if known is None else known.title
        wall_ms = self._clock.wall_ms()
        earlier = await self._to_go_on_with(channel, wall_ms)
        recording = earlier or _new_id(channel, wall_ms)
        folder = self.folder / recording
        capture: Capture | None = None

        def stored(rendition: str, number: int) -> None:
            if capture is not None:  # else it is written down at the end
                capture.stored(rendition, number)

        if self._uploader is not None:
            await self._uploader.open(recording, folder, stored)
        try:
            capture = await Capture.open(
                folder,
                Began(VERSION, recording, channel, title, wall_ms),
                self._settings,
                on_trouble=partial(self._trouble, channel, recording),
                on_lasting=partial(self._lasting, recording),
                clock=self._clock,
            )
        except BaseException:
            await self._give_up(recording, is_new=earlier is None)
            raise
        capture.begin_session(presentation.epoch, presentation.origin_ms)
        tap = CaptureTap(presentation, capture, every=self._config.renditions == "all")
        began_ms = self._clock.now_ms()
        return Running(recording, channel, presentation, capture, tap, began_ms)

    async def _give_up(self, recording: str, *, is_new: bool) -> None:
        """It could not be begun: only what was there before is uploaded."""
        if self._uploader is None:
            return
        if is_new:
            await self._uploader.drop(recording)
        else:
            self._uploader.close(recording)

    async def _to_go_on_with(self, channel: ChannelId, wall_ms: int) -> str | None:
        """A recording of the channel that ended with the server, a moment ago."""
        page = await self._vods.page(channel=channel, limit=1)
        newest = page.items[0] if page.items else None
        if newest is None or not (self.folder / newest.id).is_dir():
            return None
        try:
            closed = (await self.read(newest.id)).closed
        except (OSError, NotARecording):
            return None
        if closed is None or closed.reason not in ("recovered", "stopped"):
            return None
        return newest.id if wall_ms - closed.wall_ms <= self._grace_ms else None

    async def _end(self, running: Running) -> None:
        async with running.ending:
            if running.ended:
                return
            running.ended = True
            running.tap.close()
            await running.capture.close(running.reason)
            if self._running.get(running.channel) is running:
                del self._running[running.channel]
                self.changed(running.channel)
            self._metrics.recordings.set(len(self._running))
            self._metrics.recorder_lost_parts.inc(running.capture.health.lost_parts)
            for follower in self.followers:
                await follower.end(running.id)
            if self._uploader is not None:
                self._uploader.close(running.id)
            await self._finish(running.id)

    async def _finish(self, recording: str) -> None:
        """It can be watched from now on."""
        if await self._adopt(recording, live=False):
            self._finished(recording)

    async def _adopt(self, recording: str, *, live: bool) -> bool:
        """Bring the catalog up to date. False where that was not possible now."""
        try:
            return await self._adoption.adopt(recording, live=live) is not None
        except DatabaseDown as error:
            self._owed.add(recording)
            log.error("the catalog is told later", recording=recording, error=str(error))
        except (OSError, NotARecording) as error:
            log.error("a recording is not in the catalog", recording=recording, error=str(error))
        return False

    async def _revive(self) -> None:
        """Where a writer died, what it wrote is closed playable, and another one goes on."""
        if self.writing:
            return
        await asyncio.sleep(RACE_S)
        for running in without_writer(self._running.values()):
            channel = running.channel
            log.error("a recording's writer died", channel=channel, recording=running.id)
            self._metrics.recorder_troubles.labels("writer died").inc()
            await self._end(running)
            await self._recover(self.folder / running.id)
            await self.begin(channel, running.presentation)

    def _folders(self) -> list[Path]:
        return sorted(
            one for one in self.folder.iterdir() if one.is_dir() and ID.fullmatch(one.name)
        )

    async def _recover(self, folder: Path) -> None:
        try:
            recovered = await asyncio.to_thread(recover, folder)
        except BlockingIOError:
            return  # another server on the same folder is at work in it
        except (OSError, NotARecording) as error:
            log.warning("a recording needs repair", recording=folder.name, error=str(error))
            return
        if recovered.closed:
            log.info("a recording was recovered", recording=folder.name, parts=recovered.parts)
        await self._finish(folder.name)

    def _lasting(self, recording: str, records: Sequence[Record]) -> None:
        if self._uploader is not None:
            for one in records:
                if isinstance(one, Sealed):
                    self._uploader.sealed(recording, one)

    def _trouble(self, channel: ChannelId, recording: str, trouble: Trouble) -> None:
        self._metrics.recorder_troubles.labels(trouble.kind).inc()
        log.error("recording", channel=channel, kind=trouble.kind, trouble=trouble.text)
        self._troubles[channel] = TOLD[trouble.kind]
        self.changed(channel)
        running = self._running.get(channel)
        if running is None or running.id != recording:
            return  # it is over, and its disk was slow to say so
        if trouble.kind in ("disk full", "write error"):
            running.reason = trouble.kind
            self._tasks.spawn(self._end(running), f"recording-end-{channel}")

    async def _look_forever(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.look()
            except Exception:
                # What went wrong for one recording must not end the care for the others.
                log.exception("recordings were not looked at; it is tried again")


def _new_id(channel: ChannelId, wall_ms: int) -> str:
    """Sorted by time within a channel, and not to be guessed."""
    moment = datetime.fromtimestamp(wall_ms / 1_000, UTC)
    end = "".join(secrets.choice(_ALPHABET) for _ in range(6))
    return f"{channel}-{moment:%Y%m%d-%H%M%S}-{end}"
