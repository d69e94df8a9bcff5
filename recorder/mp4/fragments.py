"""The samples of parts (moof and mdat), found without reading the samples themselves.

Of a large part only the head is read, as it says where everything is; small parts that follow each
other are read together.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final

from recorder.media import Media, MediaMissing
from recorder.mp4.boxes import MalformedMedia
from recorder.mp4.moof import Run, Samples, read_run, samples
from recorder.records import Part
from recorder.replay import Piece

_HEAD_READ: Final = 4_096
"""Bytes of a large part that are read first; its head is seldom longer."""
_SMALL: Final = 16 << 10
"""A part that is not larger is read as a whole, together with its neighbours."""
_MOST_READ: Final = 1 << 20
_AT_ONCE: Final = 8
"""Readings of a store."""


def read_samples(
    media: Media, name: str, pieces: Sequence[Piece], timescale: int
) -> tuple[Samples, list[int]]:
    """The samples of pieces of the chunk file `name`, and how many each piece has.

    Raises MediaMissing, and MalformedMedia where they are not what the index says of them.
    """
    runs: list[Run] = []
    at = 0
    try:
        with _reading(media, name) as read:
            windows = list(_windows(pieces))
            for window, data in zip(windows, _contents(read, windows), strict=True):
                for part in window.parts:
                    at = part.o
                    runs.append(read_run(data, at - window.offset, part, timescale, read))
        found = samples(runs)
    except MalformedMedia as error:
        raise MalformedMedia(f"{name}, at byte {at} or before: {error}") from error
    lengths = iter([run.length for run in runs])
    return found, [sum(islice(lengths, len(piece.parts))) for piece in pieces]


def prefetch(media: Media, name: str, pieces: Sequence[Piece]) -> None:
    """Have the disk fetch what `read_samples` is going to read, many places at a time: a cold
    disk is several times as fast so. Of no use, and without effect, where chunks are not local."""
    path = media.local(name)
    if path is None:
        return
    # Whatever is wrong with the file is told when it is read.
    with suppress(OSError), path.open("rb", buffering=0) as file:
        for window in _windows(pieces):
            os.posix_fadvise(file.fileno(), window.offset, window.size, os.POSIX_FADV_WILLNEED)


@dataclass(frozen=True, slots=True)
class _Chunk:
    """A chunk, open if it is a file of this machine."""

    media: Media
    name: str
    file: int | None

    def __call__(self, offset: int, size: int) -> bytes:
        if self.file is None:
            return self.media.read(self.name, offset, size)
        try:
            data = os.pread(self.file, size, offset)
        except OSError as error:
            raise MediaMissing(f"{self.name}: {error.strerror}") from error
        if len(data) != size:
            raise MediaMissing(f"{self.name}: it ends before byte {offset + size}")
        return data


@contextmanager
def _reading(media: Media, name: str) -> Iterator[_Chunk]:
    path = media.local(name)
    file: int | None = None
    # A file that has just gone may be in the store; what is wrong is told when it is read.
    with suppress(OSError):
        file = None if path is None else os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield _Chunk(media, name, file)
    finally:
        if file is not None:
            os.close(file)


def _contents(chunk: _Chunk, windows: Sequence[_Window]) -> Iterator[bytes]:
    if chunk.file is not None or len(windows) < 2:
        yield from (chunk(window.offset, window.size) for window in windows)
        return
    # A store answers many at once, each after some time.
    with ThreadPoolExecutor(_AT_ONCE, "chunk-heads") as pool:
        yield from pool.map(lambda window: chunk(window.offset, window.size), windows)


@dataclass(slots=True)
class _Window:
    """Bytes that are read at once, and the parts whose heads are in them."""

    offset: int
    size: int
    parts: list[Part]


def _windows(pieces: Sequence[Piece]) -> Iterator[_Window]:
    together: _Window | None = None
    for part in chain.from_iterable(piece.parts for piece in pieces):
        if (
            together is not None
            and part.n <= _SMALL
            and part.o == together.offset + together.size
            and together.size + part.n <= _MOST_READ
        ):
            together.size += part.n
            together.parts.append(part)
            continue
        if together is not None:
            yield together
            together = None
        if part.n > _SMALL:
            yield _Window(part.o, _HEAD_READ, [part])
        else:
            together = _Window(part.o, part.n, [part])
    if together is not None:
        yield together
