"""Where decoded sound lies on the broadcast's time, and how it is kept there.

Sans I/O. Units carry the time they were captured at; how many samples they hold follows another
clock, the sound card's. Small differences are stretched away, inaudibly; what is lost becomes
silence; what comes twice is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bridge.track import AAC_FRAME, AUDIO_TIMESCALE

PER_MS: Final = AUDIO_TIMESCALE // 1_000
HARD: Final = 15 * PER_MS
"""Samples out of step that are put right at once."""
SOFT: Final = 2 * PER_MS
"""Samples out of step, on the average, from which units are stretched."""
HOLE: Final = 4 * PER_MS
"""Between the end of a unit and the next one: more is a unit that did not come."""
LONGEST_FILL: Final = AUDIO_TIMESCALE
STRETCH: Final = 400
"""A unit is made longer or shorter by at most one sample in so many (a quarter of a percent)."""
SMOOTH: Final = 32
"""Units over which the difference is averaged: times come in whole milliseconds."""


@dataclass(frozen=True, slots=True)
class Take:
    """What to do with a unit, in this order."""

    jump: bool = False
    """Leave a hole: begin at `SampleClock.frame_start`, with `silence` before the unit."""
    silence: int = 0
    """Samples to put before it."""
    skip: int = 0
    """Samples to leave out at its start."""
    length: int = 0
    """Samples that the rest of it is stretched to; 0: leave it out."""


class SampleClock:
    """The position of the next sample, and what each unit does to it."""

    def __init__(self) -> None:
        self.position: int | None = None
        """Samples since the origin; None before the first."""
        self._ends: float | None = None
        self._drift = 0.0
        self.silent = 0
        """Samples of silence put in."""
        self.skipped = 0

    def take(self, time_us: int, samples: int) -> Take:
        """A unit of this many samples, captured at this time."""
        exact = time_us * AUDIO_TIMESCALE / 1_000_000
        wanted = round(exact)
        hole = self._ends is not None and exact - self._ends > HOLE
        self._ends = exact + samples
        if self.position is None or wanted - self.position > LONGEST_FILL:
            return self._begin(wanted, samples)
        apart = wanted - self.position
        if apart >= HARD or (hole and apart > 0):
            self._drift = 0.0
            return self._placed(Take(silence=apart, length=samples))
        if apart <= -HARD:
            self._drift = 0.0
            skip = min(samples, -apart)
            return self._placed(Take(skip=skip, length=samples - skip))
        self._drift += (apart - self._drift) / SMOOTH
        return self._placed(Take(length=samples + self._stretch(samples)))

    def fill(self, time_us: int) -> int:
        """Samples of silence to add, because nothing comes; up to this time."""
        end = time_us * AUDIO_TIMESCALE // 1_000_000
        if self.position is None or end - self.position > LONGEST_FILL:
            # As with a first unit: whole frames from here on.
            self.position = max(0, end // AAC_FRAME * AAC_FRAME)
            self._ends = None
            return 0
        silence = max(0, end - self.position)
        self.position += silence
        self.silent += silence
        return silence

    def _begin(self, wanted: int, samples: int) -> Take:
        """The first unit, or one after a long hole: whole frames, so silence comes before it."""
        self._drift = 0.0
        if wanted + samples <= 0:
            return Take()
        start = max(0, wanted // AAC_FRAME * AAC_FRAME)
        self.position = start
        skip = max(0, -wanted)
        silence = max(0, wanted - start)
        return self._placed(Take(jump=True, silence=silence, skip=skip, length=samples - skip))

    def _stretch(self, samples: int) -> int:
        if abs(self._drift) < SOFT:
            return 0
        most = max(1, samples // STRETCH)
        stretch = max(-most, min(most, round(self._drift)))
        self._drift -= stretch
        return stretch

    def _placed(self, take: Take) -> Take:
        assert self.position is not None
        self.position += take.silence + take.length
        self.silent += take.silence
        self.skipped += take.skip
        return take
