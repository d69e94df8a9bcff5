"""A file that is written once, from its beginning to its end, past the kernel's cache.

It is as large as a recording and not read soon. In the cache it would be copied once more, and
take the place of what is live.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
from pathlib import Path
from typing import Final

BUFFER: Final = 2 << 20
"""Bytes that are written at once. Larger ones do not fit into a processor's cache."""
_BLOCK: Final = 4_096
"""What is written past the cache begins and ends at multiples of it."""


class StraightFile:
    """Of one thread. Where a file system cannot do without its cache, it is written through it."""

    def __init__(self, path: Path) -> None:
        """Creates it. Raises OSError."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        try:
            self._file = os.open(path, flags | os.O_DIRECT, 0o644)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            self._file = os.open(path, flags, 0o644)
        self._buffer = memoryview(mmap.mmap(-1, BUFFER))  # which begins with a page
        self._held = 0

    def room(self) -> memoryview:
        """For the bytes that follow; never empty. `took` says how many were put there."""
        return self._buffer[self._held :]

    def took(self, count: int) -> None:
        """Raises OSError."""
        self._held += count
        if self._held == BUFFER:
            self._write(BUFFER)
            self._held = 0

    def write(self, data: bytes) -> None:
        """Raises OSError."""
        at = 0
        while at < len(data):
            room = self.room()[: len(data) - at]
            room[:] = data[at : at + len(room)]
            at += len(room)
            self.took(len(room))

    def finish(self) -> None:
        """It is lasting when this returns. Raises OSError."""
        whole = self._held - self._held % _BLOCK
        self._write(whole)
        self._use_cache()
        self._write(self._held, whole)
        os.fdatasync(self._file)

    def close(self) -> None:
        os.close(self._file)

    def _write(self, end: int, begin: int = 0) -> None:
        while begin < end:
            try:
                begin += os.write(self._file, self._buffer[begin:end])
            except OSError as error:
                if error.errno != errno.EINVAL or not self._use_cache():
                    raise
            if begin % _BLOCK:
                self._use_cache()  # the disk is nearly full: not all was taken

    def _use_cache(self) -> bool:
        """From now on. False where it is used already."""
        flags = fcntl.fcntl(self._file, fcntl.F_GETFL)
        fcntl.fcntl(self._file, fcntl.F_SETFL, flags & ~os.O_DIRECT)
        return bool(flags & os.O_DIRECT)
