"""A recorder at work: shots go in, and what became of them is looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from recorder.capture import Capture, CaptureSettings, Trouble
from recorder.disk import Disk
from recorder.media import LocalMedia, Media
from recorder.recording import Recording
from recorder.records import Began, CloseReason, Part, Record
from recorder.replay import Replay
from recorder.verify import verify
from sluice.clock import VirtualClock
from tests.bridge.media import decode
from tests.recorder.fragments import ORIGIN_MS, Reel, Shot, film

BEGAN = Began(1, "garden-20260921-120000-abcdef", "garden", "Roses", ORIGIN_MS)
SETTINGS = CaptureSettings(chunk_ms=4_000, reserve_bytes=0)


@dataclass
class Studio:
    """Call `open`, then `play`, then `close`."""

    folder: Path
    settings: CaptureSettings = SETTINGS
    disk: Disk | None = None
    reels: Sequence[Reel] = field(default_factory=film)
    clock: VirtualClock = field(default_factory=VirtualClock)
    troubles: list[Trouble] = field(default_factory=list)
    lasting: list[Record] = field(default_factory=list)
    """All that was said to be written."""
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _capture: Capture | None = None

    @property
    def capture(self) -> Capture:
        assert self._capture is not None
        return self._capture

    async def open(self, epoch: str = "one", origin_ms: int = ORIGIN_MS) -> Capture:
        self._capture = await Capture.open(
            self.folder,
            BEGAN,
            self.settings,
            on_trouble=self._hear_trouble,
            clock=self.clock,
            on_lasting=self._hear,
            disk=self.disk,
        )
        self.begin(epoch, origin_ms)
        return self._capture

    def begin(self, epoch: str, origin_ms: int = ORIGIN_MS) -> None:
        self.capture.begin_session(epoch, origin_ms)
        for reel in self.reels:
            self.capture.set_init(reel.name, 0, reel.init, reel.track)

    def play(self, count: int, first: int = 0, origin_ms: int = ORIGIN_MS) -> list[Shot]:
        """Hand over so many segments of all renditions."""
        played: list[Shot] = []
        for number in range(first, first + count):
            segments = [reel.segment(number, origin_ms) for reel in self.reels]
            for shots in zip(*segments, strict=True):
                for shot in shots:
                    self.hand(shot)
                played += shots
        return played

    def hand(self, shot: Shot, discontinuity: bool = False) -> None:
        self.capture.add_part(
            shot.rendition,
            shot.msn,
            shot.part,
            shot.time,
            shot.ticks,
            independent=shot.independent,
            discontinuity=discontinuity,
            data=shot.data,
        )

    async def written(self, parts: int) -> None:
        """Until so many parts are lasting, or there is trouble."""
        while self.parts < parts and not self.troubles:
            self._news.clear()
            await self._news.wait()

    @property
    def parts(self) -> int:
        """That are lasting."""
        return sum(isinstance(one, Part) for one in self.lasting)

    async def close(self, reason: CloseReason = "end") -> None:
        await self.capture.close(reason)

    def _hear(self, records: Sequence[Record]) -> None:
        self.lasting += records
        self._news.set()

    def _hear_trouble(self, trouble: Trouble) -> None:
        self.troubles.append(trouble)
        self._news.set()


async def record(folder: Path, seconds: int, reels: Sequence[Reel] | None = None) -> list[Shot]:
    """A closed recording, and what it was made of."""
    studio = Studio(folder, reels=film() if reels is None else reels)
    await studio.open()
    played = studio.play(seconds)
    await studio.close()
    assert studio.troubles == []
    return played


def parts_of(folder: Path) -> dict[str, list[tuple[int, int]]]:
    """(segment, part) of each rendition, as the index has them."""
    return {
        name: [(span.s, span.p) for _, span in captured.spans if isinstance(span, Part)]
        for name, captured in Recording.read(folder).renditions.items()
    }


def named(shots: Iterable[Shot], rendition: str) -> list[tuple[int, int]]:
    return [(shot.msn, shot.part) for shot in shots if shot.rendition == rendition]


def frames_of(folder: Path) -> dict[str, int]:
    """How many frames FFmpeg decodes of each rendition's replay. Each piece must decode whole."""
    replay = Replay.of(Recording.read(folder))
    media: Media = LocalMedia(folder)
    frames: dict[str, int] = {}
    for name, line in replay.lines.items():
        by_init: dict[tuple[int, int], list[bytes]] = {}
        for slot in replay.slots:
            piece = slot.pieces.get(name)
            if piece is None:
                continue
            chunk = line.chunks[piece.chunk]
            # One decoder for what a player would give to one: until the timeline breaks.
            run = by_init.setdefault((slot.period, line.inits[piece.chunk]), [chunk.init])
            run.append(media.read(f"{name}-{piece.chunk:06d}.mp4", piece.offset, piece.size))
        frames[name] = sum(len(decode(*run)) for run in by_init.values())
    return frames


def fault_of(folder: Path) -> str:
    """What does not agree between the index and the files; empty where all does."""
    return "; ".join(one.text for one in verify(folder, LocalMedia(folder)))
