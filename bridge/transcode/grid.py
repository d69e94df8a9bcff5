"""A constant frame rate out of any: which slots of the grid a picture fills.

Sans I/O. Slot `k` is at `k / rate` seconds since the origin. Pictures come with the times at
which they were captured; every slot gets one picture, the newest there is. A hole is filled with
repetitions up to a second; a longer one stays, and the packager tells players about it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SECOND_US: Final = 1_000_000
LEEWAY: Final = 0.65
"""Of a slot: how far over its nearest slot a picture may be moved when that one is taken."""
LOCK: Final = 32
"""Pictures over which the source's phase is learned. With plain rounding, jitter takes pictures
of a source that lies in the middle between two slots here and there: some are lost and others
shown twice."""
WRAP: Final = 0.62
"""Of a slot: a phase beyond it is nearer to the next slot."""
LONGEST_FILL_S: Final = 1
HOLD_US: Final = 300_000
"""How far the sound may be ahead before the picture is taken for missing."""
LONGEST_HOLD_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Slot:
    index: int
    keyframe: bool
    repeated: bool
    """The picture before once more."""


class FrameGrid:
    """Says what to do with each picture: nothing, one slot, or repetitions and one slot."""

    def __init__(self, rate: int, segment_ms: int) -> None:
        if rate < 1 or segment_ms < 1:
            raise ValueError(f"no grid of {rate} pictures a second and {segment_ms} ms")
        self.rate = rate
        self._segment_ms = segment_ms
        self._next: int | None = None
        self._fresh = True
        self._phase = 0.0
        self._hold_us = HOLD_US
        self._filled = False
        self.dropped = 0
        """Pictures that got no slot."""
        self.repeated = 0

    def ticks(self, index: int, timescale: int) -> int:
        """The time of a slot."""
        return index * timescale // self.rate

    def place(self, time_us: int) -> list[Slot]:
        """The slots that a picture of this time brings, in order; the last one is its own.

        Those before repeat the picture before. Empty: the picture has no slot of its own, but
        is the newest, and is what a repetition shows.
        """
        exact = time_us * self.rate / SECOND_US
        index = round(exact - self._phase)
        if index < 0:
            return []
        if self._next is None or index - self._next > LONGEST_FILL_S * self.rate:
            self._fresh, self._phase = True, 0.0
            return [self._slot(max(round(exact), self._next or 0), repeated=False)]
        if index < self._next:
            if self._filled:
                self._learn_patience(self._next - index)
            if self._next - exact > min(1.0, LEEWAY - self._phase):
                self.dropped += 1
                return []
            index = self._next
        self._filled = False
        self._learn_phase(exact - index)
        filled = [self._slot(hole, repeated=True) for hole in range(self._next, index)]
        return [*filled, self._slot(index, repeated=False)]

    def fill(self, sound_us: int) -> list[Slot]:
        """Repetitions, because the sound is far ahead of the pictures."""
        if self._next is None:
            return []
        end = (sound_us - self._hold_us) * self.rate // SECOND_US
        if end - self._next > LONGEST_FILL_S * self.rate:
            # Sound after a long silence: nobody knows yet whether there will be pictures.
            self._next, self._fresh = end, True
        filled = [self._slot(hole, repeated=True) for hole in range(self._next, end + 1)]
        self._filled = self._filled or bool(filled)
        return filled

    def end(self, until_us: int) -> list[Slot]:
        """Repetitions up to then, as nothing more comes; none where that is long."""
        end = round(until_us * self.rate / SECOND_US)
        if self._next is None or end - self._next > LONGEST_FILL_S * self.rate:
            return []
        return [self._slot(hole, repeated=True) for hole in range(self._next, end)]

    @property
    def end_us(self) -> int | None:
        """When the last slot ends; None before the first."""
        return None if self._next is None else self._next * SECOND_US // self.rate

    def begin_anew(self) -> None:
        """The next slot is a keyframe."""
        self._fresh = True

    def _learn_patience(self, late: int) -> None:
        """A picture came, but the sound was taken as a sign that it would not."""
        late_us = late * SECOND_US // self.rate
        self._hold_us = min(LONGEST_HOLD_US, self._hold_us + late_us)
        self._filled = False

    def _learn_phase(self, apart: float) -> None:
        self._phase += (apart - self._phase) / LOCK
        if abs(self._phase) > WRAP:
            self._phase -= 1 if self._phase > 0 else -1

    def _slot(self, index: int, repeated: bool) -> Slot:
        keyframe = self._fresh or self._segment(index) != self._segment(index - 1)
        self._fresh = False
        self._next = index + 1
        self.repeated += repeated
        return Slot(index, keyframe, repeated)

    def _segment(self, index: int) -> int:
        return index * 1_000 // (self.rate * self._segment_ms)
