"""The one time of a broadcast: when each picture and sound was captured, smoothly.

The media plane says of each access unit when it was captured, on the server's clock, as well as
it knows at that moment (`AccessUnit.captured_ms`); its sender reports to viewers say the same.
That word trembles by milliseconds and moves as more is learnt, while RTP time runs evenly. `T`
goes with the RTP time and is drawn towards the word, by at most 0.5 %, which nobody sees or
hears. What is further off is no trembling: the publisher began anew or its clock jumped, and
a new epoch of the timeline begins.

    timeline = Timeline()
    moment = timeline.place("h264/f", rtp_time, captured_ms, 90_000)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

STEP_US: Final = 250_000
"""An error over this begins a new epoch."""
SLEW: Final = 0.005
"""At most this share of the time that passed is made up for."""
TREMBLE_US: Final = 2_000
"""Errors within this are the clock's own coarseness."""
GAIN: Final = 1 / 16
"""How much of a new error counts: a late packet moves the estimate little."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Where an access unit lies on the timeline."""

    time_us: int
    """Server time, microseconds since the Unix epoch."""
    epoch: int
    """Grows when the timeline steps; times are even within one epoch only."""


@dataclass(slots=True)
class _Track:
    rtp_time: int
    time_us: float
    error_us: float
    epoch: int
    ahead_us: float
    """It began so much later than the word said; made up for as slowly as any error."""


class Timeline:
    """Places the access units of one broadcast. All its tracks share the epochs."""

    def __init__(self) -> None:
        self.epoch = 0
        self._tracks: dict[str, _Track] = {}
        self._begun = 0
        """The epoch that some track has begun."""
        self._ahead_us = 0.0
        """The epoch began so much later than the word said, in all tracks: they stay together."""

    def place(self, track: str, rtp_time: int, captured_ms: int, rate: int) -> Moment:
        """The moment of a unit of `track`, whose unwrapped RTP time runs at `rate` Hz."""
        word_us = captured_ms * 1_000.0
        known = self._tracks.get(track)
        if known is None or known.epoch != self.epoch:
            return self._begin(track, rtp_time, word_us)
        passed_us = (rtp_time - known.rtp_time) * 1e6 / rate
        even_us = known.time_us + passed_us
        word_us += known.ahead_us
        if abs(word_us - even_us) > STEP_US:
            self.epoch += 1
            return self._begin(track, rtp_time, word_us)
        known.error_us += (word_us - even_us - known.error_us) * GAIN
        if abs(known.error_us) > TREMBLE_US and passed_us > 0:
            most = passed_us * SLEW
            pull = min(most, max(-most, known.error_us))
            even_us += pull
            known.error_us -= pull
        known.ahead_us = max(0.0, known.ahead_us - max(0.0, passed_us) * SLEW)
        known.rtp_time, known.time_us = rtp_time, even_us
        return Moment(round(even_us), self.epoch)

    def restart(self) -> None:
        """Another publisher begins: whatever it sends is a new epoch."""
        if self._tracks:
            self.epoch += 1

    def _begin(self, track: str, rtp_time: int, word_us: float) -> Moment:
        if self._begun != self.epoch:
            # An epoch begins where the last one ended, at the earliest.
            self._begun = self.epoch
            ended_us = max(known.time_us for known in self._tracks.values())
            self._ahead_us = max(0.0, ended_us + 1 - word_us)
        known = self._tracks.get(track)
        time_us = word_us + self._ahead_us
        if known is not None:
            time_us = max(time_us, known.time_us + 1)
        ahead_us = time_us - word_us
        self._tracks[track] = _Track(rtp_time, time_us, 0.0, self.epoch, ahead_us)
        return Moment(round(time_us), self.epoch)
