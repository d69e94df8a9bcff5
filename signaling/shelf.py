"""Recordings as viewers ask for them: read once, and kept while they are asked for."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from recorder.catalog.vods import Vod, Vods
from recorder.media import Media
from recorder.mp4.layout import VirtualFile
from recorder.mp4.stitch import stitch
from recorder.mp4.text import ChapterMark
from recorder.recording import ID, NotARecording, Recording
from recorder.replay import Replay
from sluice.clock import Clock
from sluice.errors import Problem

FRESH_MS: Final = 2_000
"""So long the catalog's word on a VOD is believed: then it may be deleted."""
MOST: Final = 32
MOST_PARTS: Final = 400_000
"""Parts of all replays that are kept; one takes some 300 bytes."""
MOST_FILES: Final = 32
"""Virtual files that are kept, of all VODs: some megabytes each for an hour."""
RETRY_S: Final = 5

Stretch = tuple[int, int | None]
"""[from, to) in VOD microseconds; None: the end."""
_Extent = tuple[int | None, int, int]


@dataclass(slots=True)
class Shown:
    """A VOD with all that its media needs."""

    vod: Vod
    recording: Recording
    replay: Replay
    media: Media
    asked_ms: int

    @property
    def parts(self) -> int:
        return sum(len(one.parts) for slot in self.replay.slots for one in slot.pieces.values())


@dataclass(frozen=True, slots=True)
class _Cut:
    """All that a virtual file depends on."""

    vod: str
    extent: _Extent
    stretch: Stretch
    chapters: tuple[ChapterMark, ...]
    title: str


class Shelf:
    """Used from the event loop's thread; reading and stitching happen in others."""

    def __init__(
        self, vods: Vods, folder: Path, media: Callable[[Path], Media], clock: Clock
    ) -> None:
        self.folder = folder
        self._vods = vods
        self._media = media
        self._clock = clock
        self._shown: OrderedDict[str, Shown] = OrderedDict()
        self._files: OrderedDict[_Cut, VirtualFile] = OrderedDict()
        self._reading: dict[str, asyncio.Lock] = {}
        self._stitching = asyncio.Lock()

    async def vod(self, vod: str) -> Vod:
        """Raises Problem `vod-unknown`, and DatabaseDown."""
        found = await self._vods.get(vod) if ID.fullmatch(vod) else None
        if found is None:
            raise Problem("vod-unknown", "There is no such recording, or none any more.")
        return found

    async def open(self, vod: str) -> Shown:
        """Raises Problem `vod-unknown`, `vod-live` while it is recorded, and DatabaseDown."""
        now_ms = self._clock.now_ms()
        known = self._shown.get(vod)
        if known is not None and now_ms - known.asked_ms < FRESH_MS:
            self._shown.move_to_end(vod)
            return known
        async with self._reading.setdefault(vod, asyncio.Lock()):
            try:
                return await self._read(vod, now_ms)
            finally:
                self._reading.pop(vod, None)

    async def growing(self, vod: str) -> Shown:
        """As `open`, also of what is being recorded, as far as it has come."""
        return await self._load(await self.vod(vod), self._clock.now_ms())

    async def file(
        self, shown: Shown, stretch: Stretch, chapters: Sequence[ChapterMark] = ()
    ) -> VirtualFile:
        """The stretch as one MP4. Raises NothingToStitch, MalformedMedia and MediaMissing."""
        cut = _Cut(shown.vod.id, _extent(shown.vod), stretch, tuple(chapters), shown.vod.title)
        found = self._files.get(cut)
        if found is None:
            # One at a time: it is a second's work for an hour, and others share the processor.
            async with self._stitching:
                found = self._files.get(cut)
                if found is None:
                    found = await asyncio.to_thread(_stitched, shown, cut)
                    self._files[cut] = found
        self._files.move_to_end(cut)
        while len(self._files) > MOST_FILES:
            self._files.popitem(last=False)
        return found

    def forget(self, vod: str) -> None:
        self._shown.pop(vod, None)
        for cut in [one for one in self._files if one.vod == vod]:
            del self._files[cut]

    # --- inside

    async def _read(self, vod: str, now_ms: int) -> Shown:
        row = await self.vod(vod)
        if row.state == "recording":
            self._shown.pop(vod, None)
            raise Problem("vod-live", "It is still being recorded.", retry_after_s=RETRY_S)
        known = self._shown.get(vod)
        if known is not None and _extent(known.vod) == _extent(row):
            known.vod, known.asked_ms = row, now_ms
            return known
        shown = self._shown[vod] = await self._load(row, now_ms)
        self._bound()
        return shown

    async def _load(self, row: Vod, now_ms: int) -> Shown:
        folder = self.folder / row.id
        try:
            recording = await asyncio.to_thread(Recording.read, folder)
        except (OSError, NotARecording) as error:
            detail = f"Its index cannot be read ({type(error).__name__})."
            raise Problem("vod-damaged", detail) from error
        replay = await asyncio.to_thread(Replay.of, recording)
        return Shown(row, recording, replay, self._media(folder), now_ms)

    def _bound(self) -> None:
        parts = sum(one.parts for one in self._shown.values())
        while len(self._shown) > 1 and (len(self._shown) > MOST or parts > MOST_PARTS):
            _, gone = self._shown.popitem(last=False)
            parts -= gone.parts


def _extent(vod: Vod) -> _Extent:
    """Where it differs, the recording went on, or was repaired."""
    return vod.ended_ms, vod.duration_ms, vod.size_bytes


def _stitched(shown: Shown, cut: _Cut) -> VirtualFile:
    return stitch(
        shown.replay,
        shown.media,
        from_us=cut.stretch[0],
        to_us=cut.stretch[1],
        chapters=cut.chapters,
        title=cut.title,
    )
