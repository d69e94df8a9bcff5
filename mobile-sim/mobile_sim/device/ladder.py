"""The encoder's ladder: what the camera's picture may be coded as, largest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Rung:
    """One size and frame rate with the bitrates that suit it."""

    name: str
    width: int
    height: int
    fps: int
    bitrate: int
    """Bits per second of video at its best; more is wasted on this size."""
    floor: int
    """Bits per second below which the next smaller rung looks better."""

    @property
    def pixels_per_second(self) -> int:
        """What the encoder must chew."""
        return self.width * self.height * self.fps


class Ladder:
    """Rungs from the largest to the smallest: pixels per second and both bitrates fall.

    Raises ValueError for a ladder that is empty or not in order.
    """

    def __init__(self, rungs: Sequence[Rung]) -> None:
        if not rungs:
            raise ValueError("a ladder needs a rung")
        for rung in rungs:
            if not 0 < rung.floor <= rung.bitrate:
                raise ValueError(f"{rung.name}: the floor is not between 0 and the bitrate")
        for upper, lower in pairwise(rungs):
            falls = (
                lower.pixels_per_second < upper.pixels_per_second
                and lower.bitrate < upper.bitrate
                and lower.floor < upper.floor
                and lower.width <= upper.width
                and lower.fps <= upper.fps
            )
            if not falls:
                raise ValueError(f"{lower.name} does not lie below {upper.name}")
        self.rungs = tuple(rungs)

    def __iter__(self) -> Iterator[Rung]:
        return iter(self.rungs)

    def __len__(self) -> int:
        return len(self.rungs)

    def __getitem__(self, index: int) -> Rung:
        return self.rungs[index]

    def index(self, name: str) -> int:
        """Return where the rung of that name is; 0 is the largest. Raises KeyError."""
        for index, rung in enumerate(self.rungs):
            if rung.name == name:
                return index
        raise KeyError(name)

    def fitting(self, bitrate: float) -> int:
        """Return the largest rung whose floor `bitrate` reaches; the smallest when none."""
        for index, rung in enumerate(self.rungs):
            if bitrate >= rung.floor:
                return index
        return len(self.rungs) - 1

    def within(self, pixels_per_second: float) -> int:
        """Return the largest rung with at most so many; the smallest when none has."""
        for index, rung in enumerate(self.rungs):
            if rung.pixels_per_second <= pixels_per_second:
                return index
        return len(self.rungs) - 1


# Sizes and both bitrates are those that libwebrtc has for H.264 (encoder_info_settings.cc: the
# bitrate to begin such a size with, and the most that it makes use of). The rungs at 15 pictures a
# second are ours: assumed.
LADDER = Ladder(
    [
        Rung("1080p30", 1920, 1080, 30, 4_000_000, 2_500_000),
        Rung("720p30", 1280, 720, 30, 2_500_000, 1_500_000),
        Rung("540p30", 960, 540, 30, 1_500_000, 800_000),
        Rung("360p30", 640, 360, 30, 800_000, 500_000),
        Rung("360p15", 640, 360, 15, 500_000, 300_000),
        Rung("270p15", 480, 270, 15, 300_000, 180_000),
        Rung("180p15", 320, 180, 15, 180_000, 60_000),
    ]
)
