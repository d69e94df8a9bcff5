"""Which rungs a broadcast gets: sizes below the source's own, and what they may cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bridge.presentation import SOURCE


@dataclass(frozen=True, slots=True)
class Rung:
    """One output of the encoder, in pixels and bits a second."""

    name: str
    width: int
    height: int
    bitrate: int


SHORT_SIDES: Final = (1080, 720, 480, 360)
LARGEST: Final = 1080
"""Pixels of the short side. A larger source is scaled down to it."""
BITRATES: Final = {1080: 4_500_000, 720: 2_500_000, 480: 1_200_000, 360: 700_000, 0: 400_000}


def ladder(width: int, height: int, most: int = len(SHORT_SIDES)) -> list[Rung]:
    """The rungs for a source of this size, best first: the source's own size (at most 1080p),
    then each standard size that is clearly smaller.

    Sizes keep the source's shape and are even, as 4:2:0 pictures must be. Raises ValueError for
    a size that is none.
    """
    if width < 1 or height < 1:
        raise ValueError(f"a picture of {width} x {height} has no ladder")
    short = min(width, height)
    top = min(short, LARGEST)
    rungs = [Rung(SOURCE, *_scaled(width, height, top), _bitrate(top))]
    for side in SHORT_SIDES:
        if side < 0.85 * top and len(rungs) < most:
            rungs.append(Rung(f"{side}p", *_scaled(width, height, side), _bitrate(side)))
    return rungs


def below(width: int, height: int, most: int = len(SHORT_SIDES)) -> list[Rung]:
    """The ladder without its top: for a source that is passed through as it is."""
    return ladder(width, height, most)[1:]


def _scaled(width: int, height: int, short: int) -> tuple[int, int]:
    ratio = short / min(width, height)
    return _even(width * ratio), _even(height * ratio)


def _even(pixels: float) -> int:
    return max(16, min(3_840, 2 * round(pixels / 2)))


def _bitrate(short: int) -> int:
    return next(rate for side, rate in BITRATES.items() if short >= side)
