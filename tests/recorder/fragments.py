"""Real CMAF parts as the bridge makes them: pictures and sound that FFmpeg decodes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Final, NamedTuple

from bridge import fmp4
from bridge.track import AAC_FRAME, AUDIO_TIMESCALE, VIDEO_TIMESCALE, Sample
from recorder.cutter import Track
from tests.bridge.media import PICTURE, aac, x264

ORIGIN_MS: Final = 1_790_000_000_000
FRAMES: Final = 15
"""Pictures of a part, which lasts 0.5 s. A segment has two parts."""
SEGMENT_MS: Final = 1_000
_LOOP: Final = 2
"""Segments that were encoded; longer films repeat them."""


class Shot(NamedTuple):
    """A part, as it is handed to the recorder. Times are ticks."""

    rendition: str
    msn: int
    part: int
    time: int
    ticks: int
    independent: bool
    data: bytes
    frames: int
    """Pictures, or frames of sound."""


@dataclass(frozen=True, slots=True)
class Reel:
    """A rendition that can be as long as one likes."""

    name: str
    track: Track
    init: bytes
    samples: tuple[Sample, ...]
    """Those of `_LOOP` segments."""

    def segment(self, number: int, origin_ms: int = ORIGIN_MS) -> list[Shot]:
        """Both parts of a segment; the first one's number is 0."""
        scale = self.track.timescale
        if self.track.width:
            each = 2 * FRAMES
            step = PICTURE
            cuts = [each * number, each * number + FRAMES, each * (number + 1)]
        else:
            step = AAC_FRAME
            cuts = [-(-(2 * number + half) * scale // (2 * step)) for half in range(3)]
        shots: list[Shot] = []
        for part, (begin, end) in enumerate(pairwise(cuts)):
            samples = [self._sample(n, step) for n in range(begin, end)]
            data = fmp4.part(
                samples,
                sequence=2 * number + part + 1,
                last_duration=step,
                wall_ms=origin_ms + begin * step * 1_000 // scale,
                first=part == 0,
            )
            ticks = (end - begin) * step
            independent = samples[0].keyframe
            msn = origin_ms // 1_000 + number
            shots.append(
                Shot(self.name, msn, part, begin * step, ticks, independent, data, len(samples))
            )
        return shots

    def segments(
        self, count: int, first: int = 0, origin_ms: int = ORIGIN_MS
    ) -> Iterator[list[Shot]]:
        return (self.segment(number, origin_ms) for number in range(first, first + count))

    def _sample(self, number: int, step: int) -> Sample:
        known = self.samples[number % len(self.samples)]
        return Sample(number * step, step, known.keyframe, known.data)


@cache
def picture(name: str = "source", height: int = 180) -> Reel:
    """H.264 of so many lines, 30 pictures and one keyframe a second."""
    width = height * 16 // 9 // 2 * 2
    video = x264(_LOOP * 2 * FRAMES, width, height, gop=2 * FRAMES, bitrate=200_000)
    config = video.config
    track = Track(config.codec, VIDEO_TIMESCALE, config.width, config.height, 30.0)
    return Reel(name, track, fmp4.init(config), tuple(video.samples()))


@cache
def sound(name: str = "audio") -> Reel:
    """AAC, a tone. Its segments begin within a frame of those of the picture."""
    made = aac(_LOOP)
    track = Track(made.config.codec, AUDIO_TIMESCALE, channels=made.config.channels)
    return Reel(name, track, fmp4.init(made.config), tuple(made.samples))


def film() -> list[Reel]:
    """Two pictures and the sound."""
    return [picture(), picture("90p", 90), sound()]
