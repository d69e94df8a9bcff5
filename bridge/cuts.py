"""Where segments begin: at the same moments, with the same numbers, in all renditions."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

MOMENTS: Final = 705_600_000
"""Moments a second. Every usual timescale divides it, so times of all tracks compare exactly."""


@dataclass(slots=True)
class Cut:
    """Where one segment ends and the next one begins."""

    msn: int
    """Number of the segment that begins."""
    moment: int
    """Moments since the presentation's origin."""
    discontinuity: bool
    discontinuities: int
    """How many there were before this one."""


class Cuts:
    """All cuts that some rendition has still to come to, and the last one."""

    def __init__(self, first_msn: int) -> None:
        self.next_msn = first_msn
        """Of the next one."""
        self.started = False
        self.broken = True
        """No segment is open, and the next one need not begin where the last one ended."""
        self.discontinuity = False
        """The next cut is one."""
        self.before: int | None = None
        """Moment of the cut before the last one; None where the last one need not follow it."""
        self._discontinuities = 0
        self._cuts: deque[Cut] = deque()

    @property
    def last(self) -> Cut:
        """Raises IndexError before the first."""
        return self._cuts[-1]

    def numbered(self, msn: int) -> Cut | None:
        """None if it is still to be made. Numbers that are forgotten are not asked for."""
        if not self._cuts:
            return None
        at = msn - self._cuts[0].msn
        return self._cuts[at] if 0 <= at < len(self._cuts) else None

    def make(self, moment: int, discontinuity: bool = True) -> None:
        """Begin a segment. It takes the discontinuity that is due, if it may."""
        discontinuity = self.discontinuity and discontinuity
        self.before = None if self.broken else self._cuts[-1].moment
        self._cuts.append(Cut(self.next_msn, moment, discontinuity, self._discontinuities))
        self.next_msn += 1
        if discontinuity:
            self._discontinuities += 1
            self.discontinuity = False
        self.broken, self.started = False, True

    def move(self, moment: int) -> None:
        """The last cut, where no rendition has come to it yet, takes place elsewhere."""
        last = self._cuts[-1]
        last.moment = moment
        if self.discontinuity and not last.discontinuity:
            last.discontinuity, self.discontinuity = True, False
            self._discontinuities += 1

    def undo(self) -> None:
        """The last cut, where no rendition has come to it yet, never was."""
        last = self._cuts.pop()
        self.next_msn -= 1
        self._discontinuities -= last.discontinuity

    def forget(self, before: int) -> None:
        """All renditions have come to the cuts with smaller numbers."""
        while len(self._cuts) > 1 and self._cuts[0].msn < before:
            self._cuts.popleft()

    def first_from(self, msn: int) -> int:
        """The number, or the first that is not forgotten."""
        return max(msn, self._cuts[0].msn) if self._cuts else msn
