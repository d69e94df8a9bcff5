"""Whether the bytes of a chunk are those that were written."""

from __future__ import annotations

from binascii import crc32
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from recorder.media import Media, MediaMissing
from recorder.records import Chunk, Part, chunk_name

_BLOCK: Final = 8 << 20
"""Bytes that are asked for at once. A store is asked seldom, and memory stays small."""


@dataclass(slots=True)
class Checked:
    """What was found out about one chunk."""

    head: bool = True
    """It begins with the init segment that the index has."""
    damaged: list[Part] = field(default_factory=list)
    """Parts that are not as they were, or not there at all."""
    sha256: str = ""
    """Of all bytes that count; empty where they could not be read."""
    missing: str = ""
    """Why something could not be read."""


def check(media: Media, chunk: Chunk, parts: Sequence[Part], size: int) -> Checked:
    """Read a chunk of `size` bytes once, from its start to its end."""
    found = Checked()
    hashed = sha256()
    readable = True
    for run in _runs(parts, size):
        for stretch, data in _pieces(media, chunk, run, found):
            readable = readable and data is not None
            hashed.update(data or b"")
            if stretch.begin == 0:
                found.head = data is not None and data.startswith(chunk.init)
            if stretch.part is not None and (data is None or crc32(data) != stretch.part.crc):
                found.damaged.append(stretch.part)
    found.sha256 = hashed.hexdigest() if readable else ""
    return found


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A part, or what stands before parts."""

    begin: int
    end: int
    part: Part | None = None


def _stretches(parts: Sequence[Part], size: int) -> Iterator[_Stretch]:
    at = 0
    for part in sorted(parts, key=lambda one: one.o):
        if part.o > at:
            yield _Stretch(at, part.o)
        at = part.o + part.n
        yield _Stretch(part.o, at, part)
    if size > at:
        yield _Stretch(at, size)


def _runs(parts: Sequence[Part], size: int) -> Iterator[list[_Stretch]]:
    """What lies together, and is not too much to be read at once."""
    run: list[_Stretch] = []
    for stretch in _stretches(parts, size):
        if run and (stretch.end - run[0].begin > _BLOCK or stretch.begin != run[-1].end):
            yield run
            run = []
        run.append(stretch)
    if run:
        yield run


def _pieces(
    media: Media, chunk: Chunk, run: Sequence[_Stretch], found: Checked
) -> Iterator[tuple[_Stretch, bytes | None]]:
    """The bytes of each; None for those that cannot be read."""
    name = chunk_name(chunk.rendition, chunk.number)
    begin = run[0].begin
    try:
        data = media.read(name, begin, run[-1].end - begin)
    except MediaMissing as missing:
        found.missing = found.missing or str(missing)
        if len(run) == 1:
            yield run[0], None
            return
        # Of what lies together, most may still be there.
        for stretch in run:
            yield from _pieces(media, chunk, [stretch], found)
        return
    for stretch in run:
        yield stretch, data[stretch.begin - begin : stretch.end - begin]
