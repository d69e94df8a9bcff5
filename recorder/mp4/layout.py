"""A file that is not there: its bytes stand in chunks and in a few made ones, and are fetched when
somebody reads.
"""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final, cast

import numpy as np

from recorder.media import Media, MediaMissing
from recorder.mp4.interleave import Extents
from recorder.mp4.timeline import INLINE
from recorder.work.task import Report

BLOCK: Final = 256 << 10
"""Bytes that are read, and given out, at once."""
_HOLE: Final = 16 << 10
"""So many bytes that are not wanted are read along where that spares a second reading."""
_COPY: Final = 32 << 20
"""Bytes that are copied between two reports."""
_CANNOT: Final = frozenset(
    {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF, errno.EPERM}
)
"""This kernel or file system does not copy in this way."""


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
            with unfinished.open("wb", buffering=0) as file:
                _Copy(file.fileno(), self._media, report, self.size).run(
                    self._names, self._inline, self._extents
                )
                os.fdatasync(file.fileno())
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
    """Writes extents to the end of a file."""

    def __init__(self, to: int, media: Media, report: Report, total: int) -> None:
        self._to = to
        self._media = media
        self._report = report
        self._total = max(1, total)
        self._done = 0
        self._told = 0
        self._ways = [_copy_range, _send, _copy]

    def run(self, names: Sequence[str], inline: bytes, extents: Extents) -> None:
        opened = INLINE
        file: int | None = None
        try:
            for source, offset, size in zip(
                extents.source.tolist(),
                extents.offset.tolist(),
                extents.size.tolist(),
                strict=True,
            ):
                if source == INLINE:
                    self._write(inline[offset : offset + size])
                    continue
                if source != opened:
                    if file is not None:
                        os.close(file)
                    file, opened = self._open(names[source]), source
                self._from(file, names[source], offset, size)
        finally:
            if file is not None:
                os.close(file)
        self._report(1.0)

    def _open(self, name: str) -> int | None:
        path = self._media.local(name)
        if path is None:
            return None
        try:
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None  # it has just gone to the store

    def _from(self, file: int | None, name: str, offset: int, size: int) -> None:
        end = offset + size
        while offset < end:
            if file is None:
                data = self._media.read(name, offset, min(_COPY, end - offset))
                self._write(data)
                offset += len(data)
                continue
            try:
                copied = self._ways[0](file, self._to, offset, min(_COPY, end - offset))
            except OSError as error:
                if error.errno not in _CANNOT or len(self._ways) == 1:
                    raise
                del self._ways[0]
                continue
            if copied == 0:
                raise MediaMissing(f"{name}: it ends before byte {end}")
            offset += copied
            self._count(copied)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._to, view) :]
        self._count(len(data))

    def _count(self, size: int) -> None:
        self._done += size
        if self._done - self._told >= _COPY:
            self._told = self._done
            self._report(self._done / self._total)


def _copy_range(source: int, to: int, offset: int, size: int) -> int:
    return os.copy_file_range(source, to, size, offset_src=offset)


def _send(source: int, to: int, offset: int, size: int) -> int:
    return os.sendfile(to, source, offset, size)


def _copy(source: int, to: int, offset: int, size: int) -> int:
    data = os.pread(source, min(size, BLOCK), offset)
    written = 0
    while written < len(data):
        written += os.write(to, data[written:])
    return written
