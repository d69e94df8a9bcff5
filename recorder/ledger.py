"""All that is known of a recording, from its index and from its chunks, to be written down anew.

Order does not matter here: records may come from anywhere, and come out as a recorder would have
written them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from recorder.records import (
    Began,
    Chunk,
    Closed,
    Gap,
    Mark,
    Part,
    Record,
    Sealed,
    Session,
    Stored,
)
from recorder.salvage import ChunkKey


@dataclass(slots=True)
class Ledger:
    """`records` are those of a recording as soon as `began` is known."""

    began: Began | None = None
    sessions: dict[int, Session] = field(default_factory=dict)
    chunks: dict[ChunkKey, Chunk] = field(default_factory=dict)
    parts: dict[ChunkKey, dict[int, Part]] = field(default_factory=dict)
    """By offset."""
    gaps: dict[tuple[str, int, int, int], Gap] = field(default_factory=dict)
    """By rendition, session, segment and part."""
    marks: list[Mark] = field(default_factory=list)
    sealed: dict[ChunkKey, Sealed] = field(default_factory=dict)
    stored: set[ChunkKey] = field(default_factory=set)
    closed: Closed | None = None

    @classmethod
    def of(cls, records: Iterable[Record]) -> Ledger:
        ledger = cls()
        session = 0
        for record in records:
            if isinstance(record, Session):
                session = record.number
                ledger.sessions[session] = record
                ledger.closed = None
            else:
                ledger._take(record, session)
        return ledger

    def add_part(self, part: Part) -> None:
        """It is there, whatever was said before."""
        key = ChunkKey(part.r, part.c)
        self.parts.setdefault(key, {})[part.o] = part
        self.gaps.pop(self._place(part), None)

    def has_gap(self, part: Part) -> bool:
        """Whether it is known to be lost."""
        return self._place(part) in self.gaps

    def lose(self, part: Part) -> None:
        """It cannot be played."""
        self.parts.get(ChunkKey(part.r, part.c), {}).pop(part.o, None)
        gap = Gap(part.r, part.s, part.p, part.t, part.d, part.x, lost=True)
        self.gaps[self._place(part)] = gap

    def forget(self, key: ChunkKey) -> None:
        """There is no such chunk, and no part of it."""
        for part in list(self.parts.get(key, {}).values()):
            self.lose(part)
        self.parts.pop(key, None)
        del self.chunks[key]
        self.sealed.pop(key, None)

    def records(self) -> Iterator[Record]:
        """Everything, in the order of sessions, renditions and time."""
        if self.began is not None:
            yield self.began
        renditions = dict.fromkeys([key.rendition for key in self.chunks])
        renditions |= dict.fromkeys([gap.r for gap in self.gaps.values()])
        for number, session in sorted(self.sessions.items()):
            yield session
            for rendition in renditions:
                yield from self._spans(rendition, number)
        yield from sorted(self.marks, key=lambda mark: mark.wall_ms)
        if self.closed is not None:
            yield self.closed

    def _place(self, part: Part) -> tuple[str, int, int, int]:
        session = self.chunks[ChunkKey(part.r, part.c)].session
        return part.r, session, part.s, part.p

    def _spans(self, rendition: str, session: int) -> Iterator[Record]:
        keys = sorted(
            key
            for key, chunk in self.chunks.items()
            if key.rendition == rendition and chunk.session == session
        )
        spans: list[Part | Gap] = [
            gap for at, gap in self.gaps.items() if at[:2] == (rendition, session)
        ]
        for key in keys:
            spans += self.parts.get(key, {}).values()
        left = Counter(span.c for span in spans if isinstance(span, Part))
        begun: set[int] = set()
        for span in sorted(spans, key=lambda span: span.t):
            if not isinstance(span, Part):
                yield span
                continue
            if span.c not in begun:
                begun.add(span.c)
                yield self.chunks[ChunkKey(rendition, span.c)]
            yield span
            left[span.c] -= 1
            if left[span.c] == 0:
                yield from self._end(ChunkKey(rendition, span.c))
        for key in keys:
            if key.number not in begun:
                yield self.chunks[key]
                yield from self._end(key)

    def _end(self, key: ChunkKey) -> Iterator[Record]:
        if key in self.sealed:
            yield self.sealed[key]
        if key in self.stored:
            yield Stored(key.rendition, key.number)

    def _take(self, record: Record, session: int) -> None:
        match record:
            case Began():
                self.began = self.began or record
            case Chunk():
                self.chunks[ChunkKey(record.rendition, record.number)] = record
            case Part():
                self.parts.setdefault(ChunkKey(record.r, record.c), {})[record.o] = record
            case Gap():
                self.gaps[record.r, session, record.s, record.p] = record
            case Sealed():
                self.sealed[ChunkKey(record.rendition, record.number)] = record
            case Stored():
                self.stored.add(ChunkKey(record.rendition, record.number))
            case Mark():
                self.marks.append(record)
            case Closed():
                self.closed = record
            case _:
                pass
