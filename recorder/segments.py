"""What the playlist of a rendition lists: pieces as they were recorded, and silence between them.

Where sound is missing there is silence, so that players have sound beside all pictures. Without it
hls.js does not begin where sound does not, jumps over pictures, and never ends a replay that has a
small hole in its sound anywhere, such as where the stream was interrupted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Final, NamedTuple

from recorder.mp4.boxes import MalformedMedia
from recorder.mp4.silence import AAC_FRAME, MOST_FRAMES, has_silence
from recorder.replay import Line, Period, Piece, Replay, Slot

SHORT_US: Final = 250_000
"""What a rendition lacks and is no longer than this is not worth a gap."""
HOLE_US: Final = 22_000
"""Of sound: a frame and a little. What is shorter a browser takes for no hole."""
FIRST_HOLE_US: Final = 100_000
"""Before the first sound of all. Players begin behind it, if it is no longer."""
LEAST_US: Final = 1_000
"""Of a segment of silence."""
_SECOND: Final = 1_000_000


class Silence(NamedTuple):
    """A segment in which nothing is heard."""

    chunk: int
    """The one whose init segment it has."""
    time: int
    """Ticks of the rendition since its session's origin."""
    frames: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece, silence, or neither: a gap."""

    slot: Slot
    duration_us: int
    """Until the next one begins."""
    content: Piece | Silence | None


def segments(replay: Replay, name: str, slots: Sequence[Slot]) -> list[Segment]:
    """Those of a rendition in slots that follow each other. Raises KeyError if there is no such
    rendition."""
    line = replay.lines[name]
    periods = [list(group) for _, group in groupby(slots, key=lambda slot: slot.period)]
    found: list[Segment] = []
    stretches = [_Stretch(replay, line, group) for group in periods]
    for stretch, following in pairwise([*stretches, None]):
        assert stretch is not None
        if stretch.silent:
            stretch.place_sound(first=stretch is stretches[0])
            if following is not None:
                stretch.fill_up(following.lead_us)
        else:
            stretch.place()
        found += stretch.segments()
    return found


class _Placed(NamedTuple):
    slot: Slot
    at_us: int
    """VOD time at which it begins."""
    content: Piece | Silence | None


class _Stretch:
    """Slots of one period."""

    def __init__(self, replay: Replay, line: Line, slots: Sequence[Slot]) -> None:
        self._line = line
        self._slots = slots
        self._period = replay.periods[slots[0].period]
        self._end_us = slots[-1].at_us + slots[-1].duration_us
        self._placed: list[_Placed] = []
        self._reach = self._ticks(slots[0].at_us)
        """Where the sound so far ends."""
        self.silent = _silent_chunk(replay, line, self._period)
        """The chunk whose init segment silence has. 0: silence cannot be made."""

    def place(self) -> None:
        """What there is, and gaps."""
        for slot in self._slots:
            pieces = slot.all_pieces(self._line.name)
            self._placed.append(_Placed(slot, slot.at_us, pieces[0] if pieces else None))
            for piece in pieces[1:]:
                self._place(slot, self._us(piece.time), piece)

    @property
    def lead_us(self) -> int:
        """How long it takes until the first sound, where there will be no silence before it."""
        pieces = self._slots[0].all_pieces(self._line.name)
        lead_us = self._us(pieces[0].time) - self._slots[0].at_us if pieces else 0
        return lead_us if 0 < lead_us < HOLE_US else 0

    def place_sound(self, *, first: bool) -> None:
        """What there is, and silence. `first`: of all."""
        least_us = FIRST_HOLE_US if first else HOLE_US
        for slot in self._slots:
            begin = self._ticks(slot.at_us)
            pieces = slot.all_pieces(self._line.name)
            at = pieces[0].time if pieces else self._ticks(slot.at_us + slot.duration_us)
            if not pieces or self._us(at) - self._us(max(begin, self._reach)) >= least_us:
                self._fill(slot, begin)
                self._place(slot, slot.at_us, self._silence(at))
                self._sound(slot, self._us(at), pieces[:1])
            else:
                self._fill(slot, at)
                self._sound(slot, slot.at_us, pieces[:1])
            for piece in pieces[1:]:
                self._fill(slot, piece.time)
                self._sound(slot, self._us(piece.time), [piece])
            least_us = HOLE_US

    def fill_up(self, lead_us: int) -> None:
        """Silence at the end, if the hole until sound goes on so much behind it is too long."""
        if self._end_us - self._us(self._reach) >= LEAST_US:
            self._fill(self._slots[-1], self._ticks(self._end_us + lead_us))

    def segments(self) -> Iterator[Segment]:
        """Each lasts until the next one begins."""
        ends = [*(one.at_us for one in self._placed[1:]), self._end_us]
        before: Segment | None = None
        for (slot, at_us, content), end_us in zip(self._placed, ends, strict=True):
            length_us = end_us - at_us
            if before is not None:
                if before.content is not None and content is None and length_us <= SHORT_US:
                    # A moment without anything is no gap to a player.
                    before = replace(before, duration_us=before.duration_us + length_us)
                    continue
                yield before
            before = Segment(slot, length_us, content)
        if before is not None:
            yield before

    # --- inside

    def _fill(self, slot: Slot, until: int) -> None:
        """Silence in a hole behind sound. `slot`: the last that it may be in."""
        if self._placed and until - self._reach >= HOLE_US * self._line.timescale // _SECOND:
            at_us = self._us(self._reach)
            before = self._placed[-1].slot
            self._place(before if at_us < slot.at_us else slot, at_us, self._silence(until))

    def _silence(self, until: int) -> Silence | None:
        """From where the sound ends. It may hang over: players mind a hole more."""
        frames = min(-((self._reach - until) // AAC_FRAME), MOST_FRAMES)
        if frames <= 0:
            return None
        found = Silence(self.silent, self._reach, frames)
        self._reach += frames * AAC_FRAME
        return found

    def _sound(self, slot: Slot, at_us: int, pieces: Sequence[Piece]) -> None:
        for piece in pieces:
            self._place(slot, at_us, piece)
            self._reach = piece.time + piece.ticks

    def _place(self, slot: Slot, at_us: int, content: Piece | Silence | None) -> None:
        earliest_us = self._placed[-1].at_us if self._placed else slot.at_us
        latest_us = slot.at_us + slot.duration_us
        self._placed.append(_Placed(slot, min(max(at_us, earliest_us), latest_us), content))

    def _us(self, ticks: int) -> int:
        """VOD time of a moment of the session."""
        session_us = self._period.origin_us + ticks * _SECOND // self._line.timescale
        return self._period.at_us + session_us - self._period.stream_us

    def _ticks(self, at_us: int) -> int:
        session_us = self._period.stream_us + at_us - self._period.at_us - self._period.origin_us
        return max(0, session_us * self._line.timescale // _SECOND)


def _silent_chunk(replay: Replay, line: Line, period: Period) -> int:
    """That of the sound of the period, if any."""
    if line.is_video:
        return 0
    slots = replay.slots[period.slots.start : period.slots.stop]
    heard = next((one.pieces[line.name].chunk for one in slots if line.name in one.pieces), None)
    chunk = line.inits[min(line.chunks) if heard is None else heard]
    try:
        return chunk if has_silence(line.chunks[chunk].init) else 0
    except MalformedMedia:
        return 0
