"""What chunk files hold, told by the files alone: see recorder/note.py."""

from __future__ import annotations

import os
import re
from binascii import crc32
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from struct import Struct
from typing import Final, NamedTuple

from recorder.note import (
    CHUNK_MARK,
    PART_MARK,
    PART_NOTE,
    ChunkNote,
    read_chunk_note,
    read_part_note,
)
from recorder.records import Chunk, Part, chunk_name

RENDITION: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}", re.ASCII)
"""What a rendition may be called. It is part of a file's name, so nothing else is let through."""
_NAME: Final = re.compile(rf"({RENDITION.pattern})-([0-9]{{6,}})\.mp4", re.ASCII)

_BOX: Final = Struct(">I4s")
_LONGEST_HEAD: Final = 1 << 20
"""Init segments are about a kilobyte, notes too."""
_BLOCK: Final = 1 << 20


class ChunkKey(NamedTuple):
    rendition: str
    number: int

    @property
    def file(self) -> str:
        return chunk_name(self.rendition, self.number)


class Head(NamedTuple):
    """How a chunk begins."""

    note: ChunkNote
    init: bytes | None
    """None where it is damaged."""
    size: int
    """Bytes before the first part."""

    @property
    def chunk(self) -> Chunk | None:
        """As the index has it; None where the init segment is damaged."""
        return None if self.init is None else self.note.with_init(self.init)


def chunk_files(folder: Path) -> list[ChunkKey]:
    """The chunks that are there, by rendition and number. Raises OSError."""
    names = (_NAME.fullmatch(path.name) for path in folder.iterdir())
    return sorted(ChunkKey(name[1], int(name[2])) for name in names if name)


@contextmanager
def opened(path: Path, flags: int = os.O_RDONLY) -> Iterator[int]:
    """A file that is closed in the end. Raises OSError."""
    file = os.open(path, flags | os.O_CLOEXEC)
    try:
        yield file
    finally:
        os.close(file)


def read_head(file: int) -> Head | None:
    """None where the chunk does not tell what it is. Raises OSError."""
    data = os.pread(file, _LONGEST_HEAD, 0)
    at = data.find(CHUNK_MARK) - 4
    if at < 0:
        return None
    size = int.from_bytes(data[at : at + 4], "big")
    note = read_chunk_note(data[at : at + size])
    if note is None or note.init_size != at:
        return None
    init = data[:at]
    return Head(note, init if crc32(init) == note.init_crc else None, at + size)


def parts_in(file: int, key: ChunkKey, begin: int, end: int) -> Iterator[Part]:
    """Parts that lie between two offsets, by their notes. Raises OSError.

    Their bytes may be damaged; `is_whole` says. Boxes are followed, so that nothing inside of a
    picture is taken for a note; only where that leaves a hole, notes are searched for.
    """
    for part in _followed(file, key, begin, end):
        if part.o < begin:
            continue
        if part.o > begin:
            yield from _searched(file, key, begin, part.o)
        yield part
        begin = part.o + part.n
    yield from _searched(file, key, begin, end)


def is_whole(file: int, part: Part) -> bool:
    """Whether its bytes are those that were written. Raises OSError."""
    return crc32(os.pread(file, part.n, part.o)) == part.crc


def digest(file: int, size: int) -> str:
    """SHA-256 of so many bytes from the start, in hex. Raises OSError."""
    hashed = sha256()
    at = 0
    while at < size and (block := os.pread(file, min(_BLOCK, size - at), at)):
        hashed.update(block)
        at += len(block)
    return hashed.hexdigest()


def _followed(file: int, key: ChunkKey, begin: int, end: int) -> Iterator[Part]:
    """Parts on the way from box to box, up to the first that makes no sense."""
    at = begin
    while at + _BOX.size <= end:
        head = os.pread(file, PART_NOTE, at)
        if len(head) < _BOX.size:
            return
        size, _ = _BOX.unpack_from(head)
        if size < _BOX.size or at + size > end:
            return
        at += size
        note = read_part_note(head) if size == PART_NOTE else None
        if note is not None:
            yield note.record(key.rendition, key.number, at, head)


def _searched(file: int, key: ChunkKey, begin: int, end: int) -> Iterator[Part]:
    at: int | None = begin
    while at is not None and (at := _find(file, at, end)) is not None:
        box = os.pread(file, PART_NOTE, at)
        at += 1
        note = read_part_note(box)
        if note is None:
            continue
        part = note.record(key.rendition, key.number, at - 1 + len(box), box)
        if begin <= part.o and part.o + part.n <= end:
            yield part
            at = begin = part.o + part.n


def _find(file: int, begin: int, end: int) -> int | None:
    """Where a box begins that is marked as a part's note."""
    at = begin + 4
    while at + len(PART_MARK) <= end:
        block = os.pread(file, min(_BLOCK, end - at), at)
        found = block.find(PART_MARK)
        if found >= 0:
            return at + found - 4
        if len(block) < len(PART_MARK):
            return None
        at += len(block) - len(PART_MARK) + 1
    return None
