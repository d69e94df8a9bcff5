"""The window of one rendition: the segments and parts that players may still ask for.

The packager writes it, playlists and the origin read it; both in one thread.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from bridge.track import TrackConfig, VideoConfig


@dataclass(slots=True)
class Part:
    """A piece of a segment (moof and mdat), complete."""

    index: int
    """Within its segment, from 0."""
    ticks: int
    """Its length in the track's timescale."""
    independent: bool
    """Holds a keyframe."""
    gap: bool
    """Nothing was sent in this time: there is no data."""
    data: bytes


@dataclass(slots=True)
class Segment:
    """Parts that begin with a keyframe. All renditions cut theirs at the same moments."""

    msn: int
    """Media sequence number, the same in all renditions."""
    time: int
    """Start in ticks since the presentation's origin."""
    map: int
    """Number of its init segment."""
    discontinuity: bool
    """The timeline or the codec breaks right before it."""
    parts: list[Part] = field(default_factory=list)
    ticks: int = 0
    """Length of the parts so far."""
    size: int = 0
    """Bytes of the parts so far."""
    complete: bool = False
    gap: bool = False
    """Nothing in it can be played."""
    data: bytes | None = None
    """All parts in one piece, made when the segment is complete."""


@dataclass(slots=True)
class Rendition:
    """One rung of the ladder, or the sound."""

    name: str
    config: TrackConfig
    """The newest."""
    map: int = 0
    """Number of the newest init segment."""
    inits: dict[int, bytes] = field(default_factory=dict)
    """By number: those that a segment of the window needs."""
    segments: deque[Segment] = field(default_factory=deque)
    """Oldest first. The last one may be open."""
    dropped_discontinuities: int = 0
    """Discontinuities that left the window: EXT-X-DISCONTINUITY-SEQUENCE."""
    version: int = 0
    """Grows with every change."""
    ended: bool = False
    peak_bps: int = 0
    """Of the largest complete segment so far, with its container."""
    media_bytes: int = 0
    media_ticks: int = 0
    """Sums over complete segments that are no gaps, for the average bitrate."""
    shed: bool = False
    """It is not made now: the machine cannot keep up."""

    @property
    def is_video(self) -> bool:
        return isinstance(self.config, VideoConfig)

    @property
    def timescale(self) -> int:
        return self.config.timescale

    @property
    def average_bps(self) -> int:
        """0 until a segment is complete."""
        if self.media_ticks == 0:
            return 0
        return self.media_bytes * 8 * self.timescale // self.media_ticks

    @property
    def next_msn(self) -> int | None:
        """The number that the next new segment gets; None before the first."""
        return self.segments[-1].msn + 1 if self.segments else None

    @property
    def edge(self) -> tuple[int, int] | None:
        """(msn, part) of the next part to come; None before the first segment."""
        if not self.segments:
            return None
        last = self.segments[-1]
        return (last.msn + 1, 0) if last.complete else (last.msn, len(last.parts))

    def segment(self, msn: int) -> Segment | None:
        """The segment of this number, if it is in the window. Numbers have no holes."""
        if not self.segments:
            return None
        at = msn - self.segments[0].msn
        return self.segments[at] if 0 <= at < len(self.segments) else None
