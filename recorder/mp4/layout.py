"""A file that is not there: its bytes stand in chunks and in a few made ones, and are fetched when
somebody reads.
"""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Final, cast

import numpy as np

from recorder.media import Media, MediaMissing
from recorder.mp4.interleave import Extents
from recorder.mp4.straight import StraightFile
from recorder.mp4.timeline import INLINE
from recorder.work.task import Report

BLOCK: Final = 256 << 10
"""Bytes that are read, and given out, at once."""
_HOLE: Final = 16 << 10
"""So many bytes that are not wanted are read along where that spares a second reading."""
_REPORTED: Final = 32 << 20
"""Bytes that are written between two reports."""
_OPEN: Final = 8
"""Chunks that are open at once."""


class VirtualFile:
    """Reads like a file. Nothing of it changes, so it may be used by several threads."""

    def __init__(
        self,
        media: Media,
        names: Sequence[str],
        inline: bytes,
        extents: Extents,
        duration_us: int = 0,
    ) -> None:
        """`names`: the chunk files by the numbers that the extents use."""
        self.duration_us = duration_us
        self._media = media
        self._names = tuple(names)
        self._inline = inline
        self._extents = extents
        self._ends = np.cumsum(extents.size)
        self.size = int(self._ends[-1]) if len(self._ends) else 0
        """Bytes."""
        digest = sha256(inline)
        digest.update("\n".join(names).encode())
        for column in (extents.source, extents.offset, extents.size):
            digest.update(column.astype("<i8").tobytes())
        self.etag = digest.hexdigest()[:32]
        """Names the content: chunks never change where they are in use."""

    def read(self, start: int, length: int) -> Iterator[bytes]:
        """Bytes from `start` on, in pieces of about BLOCK and never empty; fewer than `length`
        at the end. Raises MediaMissing, and ValueError for what is below zero."""
        if start < 0 or length < 0:
            raise ValueError("a range begins before the file")
        return self._read(start, min(start + length, self.size))

    def open(self) -> io.RawIOBase:
        """For whoever wants a file: it can seek. Reading raises OSError where media is missing."""
        return _Reader(self)

    def write(self, path: Path, report: Report) -> None:
        """Write it to a file, lasting when this returns; it has its name only when it is whole.

        Bytes of local chunks are copied within the kernel. Raises OSError and MediaMissing.
        """
        unfinished = path.with_name(f".{path.name}.part")
        try:
            with closing(StraightFile(unfinished)) as file:
                _Copy(file, self._media, report, self.size).run(
                    self._names, self._inline, self._extents
                )
                file.finish()
            unfinished.replace(path)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _read(self, start: int, end: int) -> Iterator[bytes]:
        held: list[bytes | memoryview] = []
        size = 0
        while start < end:
            for piece in self._run(start, end):
                held.append(piece)
                size += len(piece)
                start += len(piece)
            if size >= BLOCK or start >= end:
                yield b"".join(held)
                held, size = [], 0

    def _run(self, start: int, end: int) -> list[memoryview]:
        """What follows each other closely in one source: one reading, of at most BLOCK."""
        source, offset, size = self._extents.source, self._extents.offset, self._extents.size
        at = int(np.searchsorted(self._ends, start, side="right"))
        number = int(source[at])
        skipped = start - int(self._ends[at] - size[at])
        first = int(offset[at]) + skipped
        ranges: list[tuple[int, int]] = []
        reach = first
        while True:
            begin = int(offset[at]) + skipped
            stop = begin + min(int(size[at]) - skipped, end - start, first + BLOCK - begin)
            ranges.append((begin, stop))
            reach = stop
            start += stop - begin
            at, skipped = at + 1, 0
            if start >= end or reach - first >= BLOCK or int(source[at]) != number:
                break
            if start < int(self._ends[at - 1]) or not 0 <= int(offset[at]) - reach <= _HOLE:
                break
            if int(offset[at]) - first >= BLOCK:
                break
        if number == INLINE:
            data = memoryview(self._inline)[first:reach]
        else:
            data = memoryview(self._media.read(self._names[number], first, reach - first))
        return [data[begin - first : stop - first] for begin, stop in ranges]


class _Reader(io.RawIOBase):
    def __init__(self, file: VirtualFile) -> None:
        self._file = file
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        begin = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._file.size}[whence]
        if begin + offset < 0:
            raise OSError(errno.EINVAL, "before the beginning")
        self._at = begin + offset
        return self._at

    def readinto(self, buffer: object) -> int:
        # Anything with the buffer protocol, which has no type before Python 3.12.
        view = memoryview(cast(bytearray, buffer)).cast("B")
        at = 0
        try:
            for piece in self._file.read(self._at, len(view)):
                view[at : at + len(piece)] = piece
                at += len(piece)
        except MediaMissing as error:
            raise OSError(errno.EIO, str(error)) from error
        self._at += at
        return at


class _Copy:
    """Writes extents to a file."""

    def __init__(self, to: StraightFile, media: Media, report: Report, total: int) -> None:
        self._to = to
        self._media = media
        self._report = report
        self._total = max(1, total)
        self._done = 0
        self._told = 0
        self._files: dict[int, int | None] = {}
        """Open chunks, by number; None: not on this machine."""

    def run(self, names: Sequence[str], inline: bytes, extents: Extents) -> None:
        try:
            for source, offset, size in zip(
                extents.source.tolist(),
                extents.offset.tolist(),
                extents.size.tolist(),
                strict=True,
            ):
                if source == INLINE:
                    self._to.write(inline[offset : offset + size])
                else:
                    self._from(self._open(source, names[source]), names[source], offset, size)
                self._count(size)
        finally:
            while self._files:
                self._close(next(iter(self._files)))
        self._report(1.0)

    def _open(self, source: int, name: str) -> int | None:
        if source not in self._files:
            # One of each track is read, and the kernel reads ahead in each, while it is open.
            if len(self._files) >= _OPEN:
                self._close(next(iter(self._files)))
            self._files[source] = _opened(self._media.local(name))
        return self._files[source]

    def _close(self, source: int) -> None:
        file = self._files.pop(source)
        if file is not None:
            os.close(file)

    def _from(self, file: int | None, name: str, offset: int, size: int) -> None:
        end = offset + size
        while offset < end:
            room = self._to.room()[: end - offset]
            if file is None:
                room[:] = self._media.read(name, offset, len(room))
                count = len(room)
            else:
                count = os.preadv(file, [room], offset)
            if count == 0:
                raise MediaMissing(f"{name}: it ends before byte {end}")
            self._to.took(count)
            offset += count

    def _count(self, size: int) -> None:
        self._done += size
        if self._done - self._told >= _REPORTED:
            self._told = self._done
            self._report(self._done / self._total)


def _opened(path: Path | None) -> int | None:
    try:
        return None if path is None else os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None  # it has just gone to the store
