"""What a chunk says of itself, so that a lost index can be written again.

Behind the init segment and behind each part stands a `free` box, which players skip. The first
tells the recording, the session and the chunk; the others tell where their part belongs, with its
CRC, so that a part is known to be whole.
"""

from __future__ import annotations

from binascii import crc32
from struct import Struct, error
from typing import Final, NamedTuple

import msgspec

from recorder.records import Began, Chunk, Part, Session

CHUNK_MARK: Final = b"free" + b"sluice-c"
PART_MARK: Final = b"free" + b"sluice-p"
"""What the boxes begin with, behind their size."""

_BOX: Final = Struct(">I12sI")
"""Size, mark, CRC-32 of what follows."""
_PART: Final = Struct(">QIqQIIB")
PART_NOTE: Final = _BOX.size + _PART.size
"""Bytes of a part's note."""
_KEYFRAME: Final = 1
_BREAK: Final = 2


class ChunkNote(msgspec.Struct, frozen=True):
    """What the first box of a chunk holds."""

    began: Began
    session: Session
    chunk: Chunk
    """Without its init segment, which stands before the note."""
    init_size: int
    init_crc: int

    @classmethod
    def of(cls, began: Began, session: Session, chunk: Chunk) -> ChunkNote:
        bare = msgspec.structs.replace(chunk, init=b"")
        return cls(began, session, bare, len(chunk.init), crc32(chunk.init))

    def with_init(self, init: bytes) -> Chunk:
        """The chunk as the index has it."""
        return msgspec.structs.replace(self.chunk, init=init)


class PartNote(NamedTuple):
    """What the box behind a part holds. Times are ticks."""

    msn: int
    part: int
    time: int
    ticks: int
    size: int
    """Bytes of the part before its note."""
    crc: int
    """Of these bytes."""
    keyframe: bool
    broken: bool
    """The timeline or the codec breaks right before it."""

    def record(self, rendition: str, chunk: int, end: int, note: bytes) -> Part:
        """The part as the index has it: with its note, which ends at `end`."""
        size = self.size + len(note)
        return Part(
            rendition,
            chunk,
            self.msn,
            self.part,
            self.time,
            self.ticks,
            end - size,
            size,
            crc32(note, self.crc),
            self.keyframe,
            self.broken,
        )


def write_chunk_note(note: ChunkNote) -> bytes:
    """The box."""
    return _box(CHUNK_MARK, msgspec.json.encode(note))


def read_chunk_note(box: bytes) -> ChunkNote | None:
    """None where it is not one, or damaged."""
    body = _body(CHUNK_MARK, box)
    if body is None:
        return None
    try:
        return msgspec.json.decode(body, type=ChunkNote)
    except msgspec.MsgspecError:
        return None


def write_part_note(note: PartNote) -> bytes:
    """The box. Raises ValueError for numbers that no part has."""
    flags = _KEYFRAME * note.keyframe | _BREAK * note.broken
    try:
        return _box(PART_MARK, _PART.pack(*note[:6], flags))
    except error as out_of_range:
        raise ValueError(f"not a part: {out_of_range}") from out_of_range


def read_part_note(box: bytes) -> PartNote | None:
    """None where it is not one, or damaged."""
    body = _body(PART_MARK, box)
    if body is None or len(body) != _PART.size:
        return None
    msn, part, time, ticks, size, crc, flags = _PART.unpack(body)
    return PartNote(
        msn, part, time, ticks, size, crc, bool(flags & _KEYFRAME), bool(flags & _BREAK)
    )


def _box(mark: bytes, body: bytes) -> bytes:
    return _BOX.pack(_BOX.size + len(body), mark, crc32(body)) + body


def _body(mark: bytes, box: bytes) -> bytes | None:
    if len(box) < _BOX.size:
        return None
    size, found, crc = _BOX.unpack_from(box)
    body = box[_BOX.size :]
    return body if (size, found, crc) == (len(box), mark, crc32(body)) else None
