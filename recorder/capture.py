"""What the bridge hands over becomes a recording. No call waits for the disk.

Called from the event loop's thread. A part costs it some microseconds; the rest is done by the
writer's thread. What the disk cannot take is lost and said to be, and live does not notice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from recorder import index
from recorder.cutter import Cutter, Init, Item, Media, Track
from recorder.disk import Disk, LocalDisk, make_folder, sync_folder
from recorder.index import IndexWriter
from recorder.recording import NotARecording, Recording
from recorder.records import (
    Began,
    Closed,
    CloseReason,
    Gap,
    Mark,
    Part,
    Record,
    Session,
    Stored,
)
from recorder.recovery import settle
from recorder.salvage import RENDITION, chunk_files
from recorder.writer import Listener, Trouble, Writer
from sluice.clock import Clock

__all__ = ["Capture", "CaptureSettings", "Health", "Track", "Trouble"]

CLOSE_S: Final = 10.0
"""So long a disk may take for the last words; then they are written without anybody waiting."""
_SMALL: Final = 256
"""Bytes that a thing without media counts for in the queue."""
_TOO_SLOW: Final = "The disk is too slow: parts of the recording are lost."


@dataclass(frozen=True, slots=True)
class CaptureSettings:
    chunk_ms: int = 30_000
    queue_bytes: int = 64 << 20
    """Media that may wait for the disk. What does not fit is lost."""
    reserve_bytes: int = 256 << 20
    """The recording is closed when the disk has less room than this."""


@dataclass(frozen=True, slots=True)
class Health:
    """Figures of one moment. Times are those of `Clock.now_ms`."""

    last_commit_ms: int
    """When something was last made lasting; before the first time, when it was opened."""
    waiting_ms: int
    """Age of the oldest thing that waits to be written; 0 where nothing does."""
    queued_bytes: int
    parts: int
    """That are lasting."""
    written_bytes: int
    lost_parts: int
    """That the disk could not take."""
    closed: bool
    """Nothing is added any more."""


class Capture:
    """One recording while it grows."""

    def __init__(
        self,
        folder: Path,
        began: Began,
        settings: CaptureSettings,
        *,
        on_trouble: Callable[[Trouble], None],
        clock: Clock,
        on_lasting: Callable[[Sequence[Record]], None] | None = None,
        disk: Disk | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Begin the recording, or go on with one that is there. This one waits for the disk:
        use `open` where that must not be.

        `on_trouble`, and `on_lasting` with what was just written to the index, are called in the
        loop, which is the running one. Raises OSError, BlockingIOError where somebody else is at
        work in the folder, and NotARecording where it holds another recording or a broken one.
        """
        self._on_trouble = on_trouble
        self._on_lasting = on_lasting
        self._clock = clock
        self._loop = loop or asyncio.get_running_loop()
        self._ended = asyncio.Event()
        self._closing = False
        self._inits: dict[str, Init] = {}
        self._missing: dict[str, Gap] = {}
        """By rendition: what was lost and is not written down yet."""
        self._parts = 0
        self._lost = 0
        make_folder(folder)
        writer = IndexWriter(folder / index.FILE)
        try:
            self._sessions, newest = _begin(writer, folder, began)
            self._writer = Writer(
                folder,
                writer,
                Cutter(began, settings.chunk_ms, newest),
                queue_bytes=settings.queue_bytes,
                reserve_bytes=settings.reserve_bytes,
                disk=disk or LocalDisk(),
                clock=clock,
                listener=Listener(
                    partial(self._call, self._lasting),
                    partial(self._call, on_trouble),
                    partial(self._call, self._ended.set),
                ),
            )
        except BaseException:
            writer.close()
            raise
        self._writer.start()

    @classmethod
    async def open(
        cls,
        folder: Path,
        began: Began,
        settings: CaptureSettings,
        *,
        on_trouble: Callable[[Trouble], None],
        clock: Clock,
        on_lasting: Callable[[Sequence[Record]], None] | None = None,
        disk: Disk | None = None,
    ) -> Capture:
        """As the constructor, in a thread."""
        make = partial(
            cls,
            folder,
            began,
            settings,
            on_trouble=on_trouble,
            clock=clock,
            on_lasting=on_lasting,
            disk=disk,
            loop=asyncio.get_running_loop(),
        )
        opening = asyncio.create_task(asyncio.to_thread(make))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_abandon)
            raise

    @property
    def health(self) -> Health:
        writer = self._writer
        since_ms = writer.waiting_since_ms
        return Health(
            writer.last_commit_ms,
            0 if since_ms is None else self._clock.now_ms() - since_ms,
            writer.queued_bytes,
            self._parts,
            writer.written_bytes,
            self._lost,
            self._is_over,
        )

    def begin_session(self, epoch: str, origin_ms: int) -> None:
        """A presentation begins. Init segments have to be set again."""
        self._sessions += 1
        self._inits.clear()
        self._tell_missing()
        self._take(Session(self._sessions, epoch, origin_ms))

    def set_init(self, rendition: str, map: int, init: bytes, track: Track) -> None:
        """What the parts that follow need. Raises ValueError for a name that no file can have."""
        if RENDITION.fullmatch(rendition) is None:
            raise ValueError(f"{rendition!r} cannot be the name of a rendition")
        new = Init(rendition, map, init, track)
        if self._inits.get(rendition) != new:
            self._inits[rendition] = new
            self._take(new, len(init))

    def add_part(
        self,
        rendition: str,
        msn: int,
        part: int,
        time: int,
        ticks: int,
        *,
        independent: bool,
        discontinuity: bool,
        data: bytes,
    ) -> None:
        """Raises KeyError where the rendition has no init segment in this session."""
        self._inits[rendition]
        if self._is_over:
            self._lost += 1
            return
        media = Media(rendition, msn, part, time, ticks, independent, discontinuity, data)
        size = len(data) + _SMALL
        missing = self._missing.get(rendition)
        if missing is None:
            if self._writer.fits(size):
                self._writer.put(media, size)
                return
        elif independent and self._writer.fits(size):
            # Behind a lost part of the picture, nothing can be played before the next keyframe.
            del self._missing[rendition]
            self._writer.put(missing, _SMALL)
            self._writer.put(media, size)
            return
        if not self._missing:
            self._loop.call_soon(self._on_trouble, Trouble("too slow", _TOO_SLOW))
        self._lost += 1
        self._miss(Gap(rendition, msn, part, time, ticks, discontinuity, lost=True))

    def add_gap(
        self, rendition: str, msn: int, part: int, time: int, ticks: int, *, discontinuity: bool
    ) -> None:
        """There is nothing for this time. Raises KeyError as `add_part` does."""
        self._inits[rendition]
        gap = Gap(rendition, msn, part, time, ticks, discontinuity)
        if self._is_over:
            return
        if rendition not in self._missing and self._writer.fits(_SMALL):
            self._writer.put(gap, _SMALL)
        else:
            self._miss(gap)

    def mark(self, mark: Mark) -> None:
        self._take(mark)

    def stored(self, rendition: str, number: int) -> None:
        """The store has a chunk, and it is what it should be."""
        self._take(Stored(rendition, number))

    async def close(self, reason: CloseReason) -> None:
        """Write all that waits. Returns after `CLOSE_S` at the latest; a disk that takes longer
        gets it later, or the next start recovers it."""
        self._finish(reason)
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._ended.wait()
        except TimeoutError:
            self._on_trouble(Trouble("too slow", "The disk does not take the end."))

    # --- inside

    @property
    def _is_over(self) -> bool:
        return self._closing or self._writer.ended

    def _take(self, item: Item, size: int = 0) -> None:
        """Something without media: it always has room."""
        if not self._is_over:
            self._writer.put(item, size + _SMALL)

    def _miss(self, gap: Gap) -> None:
        """Remember what could not be taken. A run of it is one gap, however long it gets."""
        before = self._missing.get(gap.r)
        if before is not None:
            lasts = gap.t + gap.d - before.t
            gap = msgspec.structs.replace(before, d=max(before.d, lasts), lost=True)
        self._missing[gap.r] = gap

    def _tell_missing(self) -> None:
        for gap in self._missing.values():
            self._take(gap)
        self._missing.clear()

    def _finish(self, reason: CloseReason) -> None:
        if not self._closing:
            self._tell_missing()
            self._take(Closed(self._clock.wall_ms(), reason))
            self._closing = True

    def _call(self, function: Callable[..., None], *arguments: object) -> None:
        """In the loop. After its end nobody listens."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function, *arguments)

    def _lasting(self, records: Sequence[Record]) -> None:
        self._parts += sum(isinstance(one, Part) for one in records)
        if self._on_lasting is not None:
            self._on_lasting(records)


def _begin(writer: IndexWriter, folder: Path, began: Began) -> tuple[int, dict[str, int]]:
    """Sessions so far, and the number of each rendition's last chunk."""
    if not writer.records:
        if chunk_files(folder):
            raise NotARecording("The index is empty, and there is media: repair it first.")
        writer.append([began])
        sync_folder(folder)
        return 0, {}
    found = Recording.of(writer.records)
    if (found.id, found.channel) != (began.recording, began.channel):
        raise NotARecording(f"This is recording {found.id} of channel {found.channel}.")
    settle(writer, folder, writer.records)
    found = Recording.of(index.read(folder / index.FILE).records)
    newest = {name: max(one.chunks, default=0) for name, one in found.renditions.items()}
    for rendition, number in chunk_files(folder):
        newest[rendition] = max(newest.get(rendition, 0), number)
    return max(found.sessions, default=0), newest


def _abandon(opening: asyncio.Task[Capture]) -> None:
    """Nobody waits for it any more."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result()._finish("stopped")
