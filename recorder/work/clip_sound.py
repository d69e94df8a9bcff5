"""The sound of a clip: AAC frames as they are, in step with the pictures.

Decoders give out each frame's samples after those of the one before, whatever times a file tells.
So frames stand back to back in a clip. Where the recording has a break, its frames do not fit the
grid of those before it: then some are left out, or silence is put in between, and sound is never
more than half a frame (11 ms) beside its place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from recorder.mp4.entry import read_entry
from recorder.work.footage import Footage, Track

AAC_FRAME: Final = 1_024
"""Samples."""


@dataclass(frozen=True, slots=True)
class Frame:
    """An AAC frame of the clip."""

    time: int
    """Samples since the clip's start. Below 0: what a decoder needs before, or a part of it."""
    data: bytes


class ClipSound:
    """Iterate over `frames` once."""

    def __init__(self, footage: Footage, from_us: int, to_us: int, start: Fraction) -> None:
        """`start`: VOD time of the clip's start in seconds. Raises MediaMissing."""
        self._footage = footage
        self._start = start
        slots = footage.replay.slots_between(from_us, to_us)
        # Frames lie across the edges of slots.
        around = range(max(0, slots.start - 1), min(len(footage.replay.slots), slots.stop + 1))
        self._runs = list(footage.sound_runs(around)) if slots else []
        self._main = self._longest()
        self.init = b"" if self._main is None else footage.init(self._main)
        """Empty where there is no sound."""
        self.rate = 48_000 if self._main is None else self._main.timescale
        self.length = round((Fraction(to_us, 1_000_000) - start) * self.rate)
        self._silence = b"" if self._main is None else read_entry(self.init).silence

    def frames(self) -> Iterator[Frame]:
        """Back to back, from a frame before the start to the one in which the end is."""
        following: int | None = None
        for time, data in self._found():
            if time >= self.length:
                break
            if following is None:
                following = time
                if self._silence and time > 0:
                    following -= -(-time // AAC_FRAME) * AAC_FRAME
            if time < following - AAC_FRAME // 2:
                continue
            while time >= following + AAC_FRAME // 2:
                if not self._silence:
                    following = time
                    break
                yield Frame(following, self._silence)
                following += AAC_FRAME
            yield Frame(following, data)
            following += AAC_FRAME

    def _found(self) -> Iterator[tuple[int, bytes]]:
        """Frames by the time that they belong to, from one before the start on."""
        periods = self._footage.replay.periods
        for period, tracks in self._runs:
            if self._main is None or tracks[0].setup[1] != self._main.setup[1]:
                continue  # another decoder's: silence stands for it
            base = Fraction(self._footage.base_us(period), 1_000_000) - self._start
            shift = round(base * self.rate)
            end_us = periods[period].at_us + periods[period].duration_us
            end = round((Fraction(end_us, 1_000_000) - self._start) * self.rate)
            for sample in self._footage.run(tracks):
                time = sample.time + shift
                # Sound may outlast the pictures of a period, and would stand over the next one's.
                if -2 * AAC_FRAME < time < end:
                    yield time, sample.data

    def _longest(self) -> Track | None:
        """A track of the kind that most of the sound has."""
        times: Counter[int] = Counter()
        for _, tracks in self._runs:
            times[tracks[0].init] += sum(one.piece.ticks for one in tracks)
        most = times.most_common(1)
        return next((run[0] for _, run in self._runs if most and run[0].init == most[0][0]), None)
