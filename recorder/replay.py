"""A recording as viewers see it afterwards: what there is, back to back, on one timeline.

Breaks and gaps of the live stream divide it into periods. Within a period sound and picture keep
their distance to the microsecond, whatever happened before; gaps are left out, so that a replay
does not stand still where the streamer's line was down.

VOD time counts from the start of the replay; stream time is the server's clock while it was live,
as in the chat's log. Both are microseconds here; `at_stream` and `at_vod` lead from one to the
other.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from recorder.recording import Captured, Recording
from recorder.records import Chunk, Part

JOIN_US: Final = 250_000
"""What is closer together than this stands back to back: a picture more or less at a cut."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Contiguous bytes of a chunk: the parts of one segment, or what there is of them.

    It begins with a keyframe.
    """

    chunk: int
    offset: int
    size: int
    time: int
    """Ticks of the rendition since its session's origin."""
    ticks: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """A stretch of the replay that a player loads at once: a segment of all renditions."""

    period: int
    """From 0."""
    msn: int
    at_us: int
    """VOD time."""
    duration_us: int
    pieces: dict[str, Piece]
    """By rendition. One that is missing was not made in this time."""
    rest: dict[str, tuple[Piece, ...]] = field(default_factory=dict)
    """By rendition: what else there is of it, where something is missing in its middle. Seldom."""

    def all_pieces(self, name: str) -> tuple[Piece, ...]:
        """All that there is of a rendition, in the order of time."""
        first = self.pieces.get(name)
        return () if first is None else (first, *self.rest.get(name, ()))


@dataclass(frozen=True, slots=True)
class Period:
    """A run of slots without a break."""

    session: int
    origin_us: int
    """Stream time of tick 0."""
    at_us: int
    """VOD time at which it begins."""
    stream_us: int
    """The stream time of that moment."""
    duration_us: int
    slots: range
    """Indices of its slots."""


@dataclass(frozen=True, slots=True)
class Line:
    """One rendition of the replay."""

    name: str
    chunks: dict[int, Chunk]
    inits: dict[int, int]
    """Chunk number to the first chunk with the very same init segment."""

    @property
    def is_video(self) -> bool:
        return any(one.width > 0 for one in self.chunks.values())

    @property
    def timescale(self) -> int:
        return next(iter(self.chunks.values())).timescale


@dataclass(slots=True)
class Replay:
    """The timeline of a recording, or of a stretch of it."""

    id: str
    leader: str = ""
    """The rendition whose breaks are everybody's; empty where there is nothing."""
    lines: dict[str, Line] = field(default_factory=dict)
    """Best picture first, the sound last."""
    slots: list[Slot] = field(default_factory=list)
    periods: list[Period] = field(default_factory=list)
    _by_stream: list[Period] = field(default_factory=list, repr=False, compare=False)

    @classmethod
    def of(cls, recording: Recording) -> Replay:
        """All that can be played of it. Cheap: some 0.2 s for an hour of five renditions."""
        replay = cls(recording.id)
        captured = _ordered(recording)
        if not captured:
            return replay
        leader = max(captured, key=lambda one: (one.is_video, sum(p.d for p in _parts(one))))
        replay.leader = leader.name
        replay.lines = {one.name: _line(one) for one in captured}
        others = {
            one.name: _by_segment(one, replay.lines[one.name])
            for one in captured
            if one is not leader
        }
        _Builder(replay, recording, others).build(leader)
        return replay

    @property
    def duration_us(self) -> int:
        return self.periods[-1].at_us + self.periods[-1].duration_us if self.periods else 0

    def at_vod(self, stream_us: int) -> int | None:
        """VOD time of a moment of the stream; None where nothing of it is there."""
        if len(self._by_stream) != len(self.periods):
            # The clock may have been set back between two sessions.
            self._by_stream = sorted(self.periods, key=lambda one: one.stream_us)
        at = bisect_right(self._by_stream, stream_us, key=lambda one: one.stream_us) - 1
        if at < 0:
            return None
        period = self._by_stream[at]
        passed = stream_us - period.stream_us
        return period.at_us + passed if passed < period.duration_us else None

    def at_stream(self, vod_us: int) -> int | None:
        """Stream time of a moment of the replay; None beyond its end."""
        at = bisect_right(self.periods, vod_us, key=lambda one: one.at_us) - 1
        if at < 0:
            return None
        period = self.periods[at]
        passed = vod_us - period.at_us
        return period.stream_us + passed if passed < period.duration_us else None

    def slots_between(self, from_us: int, to_us: int) -> range:
        """Indices of the slots that hold something of [from, to)."""
        first = max(0, bisect_right(self.slots, from_us, key=lambda one: one.at_us) - 1)
        if self.slots and _end(self.slots[first]) <= from_us:
            first += 1
        last = first
        while last < len(self.slots) and self.slots[last].at_us < to_us:
            last += 1
        return range(first, last)


class _Builder:
    def __init__(
        self,
        replay: Replay,
        recording: Recording,
        others: dict[str, dict[tuple[int, int], list[Piece]]],
    ) -> None:
        self._replay = replay
        self._recording = recording
        self._others = others
        self._end_us = 0
        """Stream time at which the last slot ended."""
        self._inits: dict[str, int] = {}
        """By rendition: the first chunk with the init segment that was used last."""

    def build(self, leader: Captured) -> None:
        line = self._replay.lines[leader.name]
        before: tuple[int, int] | None = None
        """Session and map of the slot before."""
        for session, run in _runs(leader):
            first, last = run[0], run[-1]
            origin = self._recording.sessions.get(session)
            if origin is None:
                continue
            origin_us = origin.origin_ms * 1_000
            begin_us = origin_us + _us(first.t, line.timescale)
            ticks = last.t + last.d - first.t
            now = (session, line.chunks[first.c].map)
            new = now != before or first.x or abs(begin_us - self._end_us) > JOIN_US
            before = now
            self._add(session, origin_us, begin_us, _us(ticks, line.timescale), run, new)

    def _add(
        self,
        session: int,
        origin_us: int,
        begin_us: int,
        length_us: int,
        run: Sequence[Part],
        new: bool,
    ) -> None:
        periods, slots = self._replay.periods, self._replay.slots
        at = len(slots)
        pieces, rest = self._pieces(session, origin_us, begin_us, begin_us + length_us, run)
        if self._other_inits(pieces) or new:
            end_us = self._replay.duration_us
            periods.append(Period(session, origin_us, end_us, begin_us, 0, range(at, at)))
        period = periods[-1]
        at_us = period.at_us + begin_us - period.stream_us
        if at > period.slots.start:
            slots[-1] = _lasting(slots[-1], at_us - slots[-1].at_us)
        self._end_us = begin_us + length_us
        slots.append(Slot(len(periods) - 1, run[0].s, at_us, length_us, pieces, rest))
        periods[-1] = Period(
            session,
            origin_us,
            period.at_us,
            period.stream_us,
            at_us + length_us - period.at_us,
            range(period.slots.start, at + 1),
        )

    def _pieces(
        self, session: int, origin_us: int, begin_us: int, end_us: int, run: Sequence[Part]
    ) -> tuple[dict[str, Piece], dict[str, tuple[Piece, ...]]]:
        """What all renditions have of the leader's run."""
        pieces = {self._replay.leader: _piece(run)}
        rest: dict[str, tuple[Piece, ...]] = {}
        for name, found in self._others.items():
            line = self._replay.lines[name]
            for piece in found.get((session, run[0].s), ()):
                middle_us = origin_us + _us(2 * piece.time + piece.ticks, 2 * line.timescale)
                if not begin_us <= middle_us < end_us:
                    continue
                first = pieces.setdefault(name, piece)
                if first is not piece and line.inits[first.chunk] == line.inits[piece.chunk]:
                    rest[name] = (*rest.get(name, ()), piece)
        return pieces, rest

    def _other_inits(self, pieces: dict[str, Piece]) -> bool:
        """Whether any rendition goes on with another init segment than before."""
        now = {name: self._replay.lines[name].inits[one.chunk] for name, one in pieces.items()}
        changed = any(self._inits.get(name, init) != init for name, init in now.items())
        self._inits.update(now)
        return changed


def _ordered(recording: Recording) -> list[Captured]:
    """Largest picture first, the sound last; without what has no media."""
    there = [one for one in recording.renditions.values() if any(True for _ in _parts(one))]
    return sorted(there, key=lambda one: -max(file.chunk.height for file in one.chunks.values()))


def _parts(captured: Captured) -> Iterator[Part]:
    return (span for _, span in captured.spans if isinstance(span, Part))


def _line(captured: Captured) -> Line:
    chunks = {number: file.chunk for number, file in captured.chunks.items()}
    first: dict[bytes, int] = {}
    inits = {number: first.setdefault(one.init, number) for number, one in chunks.items()}
    return Line(captured.name, chunks, inits)


def _runs(captured: Captured) -> Iterator[tuple[int, list[Part]]]:
    """Parts of one segment that follow each other in time and in the file, from a keyframe on."""
    video = captured.is_video
    run: list[Part] = []
    current = 0
    for session, span in captured.spans:
        follows = (
            isinstance(span, Part)
            and bool(run)
            and session == current
            and (span.s, span.c, span.o, span.t)
            == (run[-1].s, run[-1].c, run[-1].o + run[-1].n, run[-1].t + run[-1].d)
        )
        if run and not follows:
            yield current, run
            run = []
        if isinstance(span, Part) and (run or span.i or not video):
            run.append(span)
            current = session
    if run:
        yield current, run


def _by_segment(captured: Captured, line: Line) -> dict[tuple[int, int], list[Piece]]:
    found: dict[tuple[int, int], list[Piece]] = {}
    for session, run in _runs(captured):
        found.setdefault((session, run[0].s), []).append(_piece(run))
    return found


def _piece(run: Sequence[Part]) -> Piece:
    first, last = run[0], run[-1]
    return Piece(
        first.c,
        first.o,
        last.o + last.n - first.o,
        first.t,
        last.t + last.d - first.t,
        tuple(run),
    )


def _lasting(slot: Slot, duration_us: int) -> Slot:
    """A slot lasts until the next one of its period begins."""
    return replace(slot, duration_us=duration_us)


def _end(slot: Slot) -> int:
    return slot.at_us + slot.duration_us


def _us(ticks: int, timescale: int) -> int:
    return ticks * 1_000_000 // timescale
