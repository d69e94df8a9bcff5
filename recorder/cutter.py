"""Which part goes into which chunk, and what the index says of it. No I/O.

for step in cutter.take(item): write step.data, then append step.record to the index
"""

from __future__ import annotations

from binascii import crc32
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple

from recorder.note import ChunkNote, PartNote, write_chunk_note, write_part_note
from recorder.records import Began, Chunk, Closed, Gap, Mark, Record, Sealed, Session, Stored
from recorder.records import chunk_name as name_of

if TYPE_CHECKING:
    from hashlib import _Hash

_LEEWAY_MS: Final = 100
"""A chunk may be so much shorter: segments of sound do not begin at the very tick of those of
pictures, and chunks of all renditions should end at the same segments."""


@dataclass(frozen=True, slots=True)
class Track:
    """What a player must know of a rendition before it loads it."""

    codec: str
    """As CODECS wants it (RFC 6381)."""
    timescale: int
    """Ticks a second."""
    width: int = 0
    height: int = 0
    """Pixels; 0 for sound."""
    frame_rate: float = 0.0
    """Nominal; 0 for sound and where it is not known."""
    channels: int = 0
    """Of sound; 0 for pictures."""


class Init(NamedTuple):
    """The parts of a rendition that follow need this init segment."""

    rendition: str
    map: int
    init: bytes
    track: Track


class Media(NamedTuple):
    """A part. Times are ticks."""

    rendition: str
    msn: int
    part: int
    time: int
    ticks: int
    independent: bool
    discontinuity: bool
    data: bytes


Item = Init | Media | Session | Gap | Mark | Stored | Closed
"""What comes in, in order. Closed is the last."""


class Step(NamedTuple):
    """Bytes to append to a file, if any, and the record to write once they are lasting."""

    record: Record
    file: str = ""
    data: tuple[bytes, ...] = ()


@dataclass(slots=True)
class _Open:
    """A chunk that grows."""

    chunk: Chunk
    begin: int
    """Ticks of its first part."""
    msn: int
    """Of its newest part."""
    size: int = 0
    hash: _Hash = field(default_factory=sha256)


class Cutter:
    """Used by one thread. A session comes first, and an init segment before its parts."""

    def __init__(self, began: Began, chunk_ms: int, newest: Mapping[str, int]) -> None:
        """`newest`: the number of the last chunk of each rendition that there is."""
        self._began = began
        self._chunk_ms = chunk_ms
        self._newest = dict(newest)
        self._session: Session | None = None
        self._inits: dict[str, Init] = {}
        self._open: dict[str, _Open] = {}

    def take(self, item: Item) -> Iterator[Step]:
        """What is to be done for it, in order."""
        match item:
            case Media():
                yield from self._add(item)
            case Init():
                self._inits[item.rendition] = item
            case Session():
                yield from self._seal_all()
                self._session = item
                self._inits.clear()
                yield Step(item)
            case Closed():
                yield from self._seal_all()
                yield Step(item)
            case _:
                yield Step(item)

    def _add(self, item: Media) -> Iterator[Step]:
        name = item.rendition
        chunk = self._open.get(name)
        if chunk is None or self._is_full(chunk, item):
            if chunk is not None:
                yield self._seal(name)
            chunk = _Open(self._next(name), item.time, item.msn)
            self._open[name] = chunk
            yield self._begin(chunk)
        note = PartNote(
            item.msn,
            item.part,
            item.time,
            item.ticks,
            len(item.data),
            crc32(item.data),
            item.independent,
            item.discontinuity,
        )
        box = write_part_note(note)
        data = (item.data, box)
        _grow(chunk, data)
        chunk.msn = item.msn
        record = note.record(name, chunk.chunk.number, chunk.size, box)
        yield Step(record, name_of(name, chunk.chunk.number), data)

    def _is_full(self, chunk: _Open, item: Media) -> bool:
        """Whether another chunk begins with this part."""
        if chunk.chunk.map != self._inits[item.rendition].map:
            return True
        lasts_ms = (item.time - chunk.begin) * 1_000 // chunk.chunk.timescale
        return item.msn != chunk.msn and not 0 <= lasts_ms < self._chunk_ms - _LEEWAY_MS

    def _next(self, rendition: str) -> Chunk:
        if self._session is None:
            raise ValueError("no session has begun")
        init = self._inits[rendition]
        number = self._newest[rendition] = self._newest.get(rendition, 0) + 1
        track = init.track
        return Chunk(
            rendition,
            number,
            self._session.number,
            init.map,
            init.init,
            track.codec,
            track.timescale,
            track.width,
            track.height,
            track.frame_rate,
            track.channels,
        )

    def _begin(self, chunk: _Open) -> Step:
        if self._session is None:
            raise ValueError("no session has begun")
        note = ChunkNote.of(self._began, self._session, chunk.chunk)
        data = (chunk.chunk.init, write_chunk_note(note))
        _grow(chunk, data)
        return Step(chunk.chunk, name_of(chunk.chunk.rendition, chunk.chunk.number), data)

    def _seal(self, rendition: str) -> Step:
        chunk = self._open.pop(rendition)
        number = chunk.chunk.number
        sealed = Sealed(rendition, number, chunk.size, chunk.hash.hexdigest())
        return Step(sealed, name_of(rendition, number))

    def _seal_all(self) -> Iterator[Step]:
        for rendition in list(self._open):
            yield self._seal(rendition)


def _grow(chunk: _Open, data: tuple[bytes, ...]) -> None:
    for one in data:
        chunk.hash.update(one)
        chunk.size += len(one)
