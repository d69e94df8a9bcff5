"""How much of a presentation stays: as long as viewers may seek back, and bounded in bytes."""

from __future__ import annotations

from typing import Final

from bridge.presentation import Presentation
from bridge.rendition import Rendition, Segment

PARTS_TARGETS: Final = 6
"""Target durations from the end. Parts leave the playlist after three, and stay another three."""
FEWEST: Final = 6
"""Segments that stay however short the window in time is."""
FEWEST_IN_BYTES: Final = 2
"""Segments that stay however large they are: the open one and the one before."""


def trim(presentation: Presentation, end_ms: int) -> set[str]:
    """Drop what is too old or too much; the names of the renditions that lost a segment.

    `end_ms`: media time of the end, since the origin. All renditions lose the same numbers.
    """
    renditions = [one for one in presentation.renditions.values() if one.segments]
    for rendition in renditions:
        _forget_parts(rendition, end_ms, presentation.settings.target_duration_s)
    lost: set[str] = set()
    while (oldest := _oldest(renditions)) is not None and _too_much(
        presentation, renditions, oldest, end_ms
    ):
        for rendition in renditions:
            if rendition.segments[0].msn == oldest:
                _drop(rendition)
                lost.add(rendition.name)
    for rendition in renditions:
        if rendition.name in lost:
            _forget_inits(rendition)
    return lost


def size(rendition: Rendition) -> int:
    """Bytes of its media."""
    return sum(segment.size for segment in rendition.segments)


def _oldest(renditions: list[Rendition]) -> int | None:
    """The oldest number, if it can go from all that have it."""
    number = min((one.segments[0].msn for one in renditions), default=None)
    for one in renditions:
        if one.segments[0].msn == number and len(one.segments) <= FEWEST_IN_BYTES:
            return None
    return number


def _too_much(
    presentation: Presentation, renditions: list[Rendition], oldest: int, end_ms: int
) -> bool:
    settings = presentation.settings
    if sum(size(one) for one in renditions) > settings.window_bytes:
        return True
    longest = max(renditions, key=lambda one: len(one.segments))
    if longest.segments[0].msn != oldest or len(longest.segments) <= FEWEST:
        return False
    return end_ms - _ms(longest, longest.segments[1]) >= settings.window_ms


def _drop(rendition: Rendition) -> None:
    segment = rendition.segments.popleft()
    rendition.dropped_discontinuities += segment.discontinuity


def _forget_inits(rendition: Rendition) -> None:
    needed = {segment.map for segment in rendition.segments} | {rendition.map}
    for number in [number for number in rendition.inits if number not in needed]:
        del rendition.inits[number]


def _forget_parts(rendition: Rendition, end_ms: int, target_s: int) -> None:
    """The segment's data is all of them in one piece; here they are dropped as separate ones."""
    for segment in rendition.segments:
        if not segment.parts:
            continue
        after_ms = _ms(rendition, segment) + segment.ticks * 1_000 // rendition.timescale
        if not segment.complete or end_ms - after_ms < PARTS_TARGETS * target_s * 1_000:
            return
        segment.parts = []


def _ms(rendition: Rendition, segment: Segment) -> int:
    return segment.time * 1_000 // rendition.timescale
