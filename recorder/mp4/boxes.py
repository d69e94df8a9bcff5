"""Boxes (ISO/IEC 14496-12): how they are written, and how they are found in bytes that may be
anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Final, NamedTuple

U32: Final = Struct(">I")
U64: Final = Struct(">Q")
HEAD: Final = Struct(">I4s")
"""Size and kind, with which each box begins."""
MATRIX: Final = Struct(">9I").pack(0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000)
"""Neither turned nor scaled."""


class MalformedMedia(ValueError):
    """Media is not as the recorder wrote it. The text says what is wrong and where."""


class Box(NamedTuple):
    """A box that was found."""

    kind: bytes
    start: int
    """Of its content."""
    end: int


def box(kind: bytes, *content: bytes) -> bytes:
    """A box of less than 4 GiB."""
    return HEAD.pack(8 + sum(map(len, content)), kind) + b"".join(content)


def full(kind: bytes, *content: bytes, version: int = 0, flags: int = 0) -> bytes:
    """A box with version and flags."""
    return box(kind, U32.pack(version << 24 | flags), *content)


def boxes(data: bytes, start: int, end: int) -> Iterator[Box]:
    """The boxes of one level. Raises MalformedMedia where they do not fill it exactly."""
    at = start
    while at < end:
        if end - at < HEAD.size:
            raise MalformedMedia("a box is cut off")
        size, kind = HEAD.unpack_from(data, at)
        if not HEAD.size <= size <= end - at:
            raise MalformedMedia(f"a box says that it has {size} bytes, of {end - at}")
        yield Box(kind, at + HEAD.size, at + size)
        at += size


def find(data: bytes, start: int, end: int, *path: bytes) -> Box:
    """The first box at a path such as moov, trak. Raises MalformedMedia if there is none."""
    found = Box(b"", start, end)
    for kind in path:
        for each in boxes(data, found.start, found.end):
            if each.kind == kind:
                found = each
                break
        else:
            raise MalformedMedia(f"there is no {kind.decode('latin-1')} box")
    return found
