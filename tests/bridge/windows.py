"""Presentations made by hand: renditions that grow part by part, when the test says so."""

from __future__ import annotations

from bridge.presentation import AUDIO, PackagingSettings, Presentation
from bridge.rendition import Part, Rendition, Segment
from bridge.track import AAC_FRAME, AudioConfig, VideoConfig

ORIGIN_MS = 1_790_000_000_250
EPOCH = "k3x9"
VIDEO = VideoConfig(bytes.fromhex("6764001fac"), b"\x68\xee", 1280, 720, 30.0)
SOUND = AudioConfig(b"\x11\x90")
CRUMB = 400
"""Bytes of a part of the smallest rung; each rung above has as many more."""


class Windows:
    """Some renditions in step: `part` adds the next part to all, segments close when full."""

    def __init__(
        self, names: tuple[str, ...] = ("source", "360p", AUDIO), part_ms: int = 500, **more: int
    ) -> None:
        settings = PackagingSettings(part_ms=part_ms, **more)
        self.presentation = Presentation(EPOCH, ORIGIN_MS, settings)
        for name in names:
            self.add(name)
        self._broken: set[str] = set()
        """Renditions whose next segment begins with a discontinuity."""
        self.parts_each = -(-settings.segment_ms // settings.part_ms)

    def __getitem__(self, name: str) -> Rendition:
        return self.presentation.renditions[name]

    def add(self, name: str) -> Rendition:
        config = SOUND if name == AUDIO else VIDEO
        rendition = Rendition(name, config, inits={0: f"init {name} 0".encode()})
        self.presentation.renditions[name] = rendition
        return rendition

    @property
    def first(self) -> int:
        return self.presentation.first_msn

    def part(self, *, gap: bool = False, only: str | None = None) -> None:
        """The next part of every rendition; a full segment is completed with it."""
        for name in self.presentation.renditions:
            if only is None or name == only:
                self._grow(self[name], gap)

    def parts(self, count: int) -> None:
        for _ in range(count):
            self.part()

    def segments(self, count: int, *, gap: bool = False) -> None:
        """Whole segments of all renditions."""
        for _ in range(count * self.parts_each):
            self.part(gap=gap)

    def close(self) -> None:
        """Complete the open segments as they are, as a keyframe does that comes early."""
        for rendition in self.presentation.renditions.values():
            last = rendition.segments[-1]
            if not last.complete:
                self._complete(rendition, last)
                self._tell(rendition)

    def break_here(self, new_map: bool = True) -> None:
        """What comes next begins with a discontinuity, and a new init segment."""
        self.close()
        for rendition in self.presentation.renditions.values():
            if new_map:
                rendition.map += 1
                init = f"init {rendition.name} {rendition.map}".encode()
                rendition.inits[rendition.map] = init
            self._broken.add(rendition.name)
            self._tell(rendition)

    def drop(self, count: int) -> None:
        """The oldest segments leave the window."""
        for rendition in self.presentation.renditions.values():
            for _ in range(count):
                gone = rendition.segments.popleft()
                rendition.dropped_discontinuities += gone.discontinuity
            self._tell(rendition)

    def end(self) -> None:
        self.close()
        self.presentation.ended = True
        for rendition in self.presentation.renditions.values():
            rendition.ended = True
            self._tell(rendition)

    def _grow(self, rendition: Rendition, gap: bool) -> None:
        if not rendition.segments or rendition.segments[-1].complete:
            self._open(rendition)
        segment = rendition.segments[-1]
        end, target = self._end(rendition, segment), self._target(rendition)
        self._append(rendition, segment, min(end, segment.time + segment.ticks + target), gap)
        at = segment.time + segment.ticks
        if len(segment.parts) == self.parts_each and at < end:
            self._append(rendition, segment, end, gap)  # sound may need one more, a short one
            at = end
        if at == end:
            self._complete(rendition, segment)
        self._tell(rendition)

    def _append(self, rendition: Rendition, segment: Segment, end: int, gap: bool) -> None:
        index = len(segment.parts)
        independent = index == 0 or not rendition.is_video
        names = list(self.presentation.renditions)
        size = CRUMB * (len(names) - names.index(rendition.name))
        data = b"" if gap else f"{rendition.name} {segment.msn}.{index};".encode().ljust(size, b".")
        ticks = end - segment.time - segment.ticks
        segment.parts.append(Part(index, ticks, independent, gap, data))
        segment.ticks += ticks
        segment.size += len(data)

    def _open(self, rendition: Rendition) -> None:
        before = rendition.segments[-1] if rendition.segments else None
        time = before.time + before.ticks if before else 0
        broken = rendition.name in self._broken
        self._broken.discard(rendition.name)
        msn = self.first if before is None else before.msn + 1
        rendition.segments.append(Segment(msn, time, rendition.map, broken))

    def _end(self, rendition: Rendition, segment: Segment) -> int:
        """Segments end on the grid of their length; sound with the first frame end after it."""
        segment_ms = self.presentation.settings.segment_ms
        number = segment.time * 1_000 // rendition.timescale // segment_ms + 1
        ticks = number * segment_ms * rendition.timescale // 1_000
        return ticks if rendition.is_video else -(-ticks // AAC_FRAME) * AAC_FRAME

    def _target(self, rendition: Rendition) -> int:
        ticks = self.presentation.settings.part_ms * rendition.timescale // 1_000
        return ticks if rendition.is_video else ticks // AAC_FRAME * AAC_FRAME

    def _complete(self, rendition: Rendition, segment: Segment) -> None:
        segment.complete = True
        segment.gap = all(part.gap for part in segment.parts)
        segment.data = b"".join(part.data for part in segment.parts)
        if not segment.gap and segment.ticks:
            rendition.media_bytes += segment.size
            rendition.media_ticks += segment.ticks
            rate = segment.size * 8 * rendition.timescale // segment.ticks
            rendition.peak_bps = max(rendition.peak_bps, rate)

    def _tell(self, rendition: Rendition) -> None:
        rendition.version += 1
        self.presentation.changed(rendition)
