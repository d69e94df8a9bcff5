"""All renditions of one broadcast, and the rules that they share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bridge.captions import Captions
from bridge.rendition import Rendition

AUDIO = "audio"
"""The name of the rendition that holds the sound."""
SOURCE = "source"
"""The name of the top rung."""


@dataclass(frozen=True, slots=True)
class PackagingSettings:
    """Lengths are in milliseconds of media."""

    part_ms: int = 500
    segment_ms: int = 2_000
    window_ms: int = 600_000
    """How far back viewers may seek."""
    window_bytes: int = 256 << 20
    """All renditions together; the window gets shorter where it would hold more."""
    silence_ms: int = 1_500
    """Without a sample for so long a gap begins."""

    @property
    def target_duration_s(self) -> int:
        """EXT-X-TARGETDURATION: no segment is longer, rounded (RFC 8216bis section 4.4.3.1)."""
        return -(-self.segment_ms // 1_000)

    @property
    def longest_ms(self) -> int:
        """No segment may grow over this, or it would round to more than the target."""
        return self.target_duration_s * 1_000 + 499

    @property
    def part_target_s(self) -> float:
        return self.part_ms / 1_000


def _nobody(rendition: Rendition) -> None:
    return None


@dataclass(slots=True)
class Presentation:
    """One broadcast as players see it."""

    epoch: str
    """Stands in every media address, so that no address is used twice."""
    origin_ms: int
    """Server time (Unix ms) of tick 0 of every track."""
    settings: PackagingSettings = field(default_factory=PackagingSettings)
    renditions: dict[str, Rendition] = field(default_factory=dict)
    """In the order of the ladder, best first; the sound last."""
    captions: dict[str, Captions] = field(default_factory=dict)
    """By language (BCP 47). May grow while the broadcast runs, but players that have the master
    playlist already do not look at it again. An engine that starts anew puts another object in
    the place of its old one."""
    expected: frozenset[str] = frozenset()
    """Renditions that are about to come. Players that know some only would never learn of them."""
    finished: bool = False
    """Nothing is added any more."""
    ended: bool = False
    """Players are told so, a moment after the last part: some do not load what comes with the
    end itself."""
    changed: Callable[[Rendition], None] = _nobody
    """Called after every change of a rendition."""

    @property
    def first_msn(self) -> int:
        """Seconds since 1970: grows faster than segments do, so numbers are never used twice."""
        return self.origin_ms // 1_000

    @property
    def video(self) -> list[Rendition]:
        return [one for one in self.renditions.values() if one.is_video]

    @property
    def audio(self) -> Rendition | None:
        return self.renditions.get(AUDIO)

    def wall_ms(self, rendition: Rendition, ticks: int) -> int:
        """Server time (Unix ms) of a moment of a rendition."""
        return self.origin_ms + ticks * 1_000 // rendition.timescale
