"""How far a listener has come in a rendition that grows."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.rendition import Part, Rendition, Segment


class PartCursor:
    """Gives each part once, as soon as it is there."""

    def __init__(self, rendition: Rendition | None = None) -> None:
        """`rendition`: one that has begun. Of it, nothing is given that is complete already."""
        whole = [one for one in rendition.segments if one.complete] if rendition else []
        self._msn = whole[-1].msn if whole else -1
        self._part = len(whole[-1].parts) if whole else 0
        self._time = 0
        """Where the next part begins, in ticks."""

    def take(self, rendition: Rendition) -> Iterator[tuple[Segment, Part, int]]:
        """The parts that came since: with their segment, and where each begins, in ticks."""
        for segment in _from(rendition, self._msn):
            if segment.msn != self._msn:
                self._msn, self._part, self._time = segment.msn, 0, segment.time
            for part in segment.parts[self._part :]:
                time = self._time
                self._part = part.index + 1
                self._time += part.ticks
                yield segment, part, time


def _from(rendition: Rendition, msn: int) -> list[Segment]:
    """The segments from this number on: the last one or two, as a rule."""
    found: list[Segment] = []
    for segment in reversed(rendition.segments):
        if segment.msn < msn:
            break
        found.append(segment)
    return found[::-1]
