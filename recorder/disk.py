"""The file system as the recorder uses it."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
"""Errors that say that there is no room."""
RESERVE: Final = "reserve"
_RESERVE_BYTES: Final = 1 << 20


class Disk(Protocol):
    """What the writer asks for. Everything may take long, and raises OSError."""

    def create(self, path: Path) -> int:
        """A new file, open for writing."""
        ...

    def write(self, file: int, data: bytes, offset: int) -> None:
        """All of it. After an error some of it may be there."""
        ...

    def sync(self, file: int) -> None:
        """What was written is lasting when this returns."""
        ...

    def truncate(self, file: int, size: int) -> None: ...

    def free(self, folder: Path) -> int:
        """Bytes that may still be written."""
        ...


class LocalDisk:
    """The machine's."""

    def create(self, path: Path) -> int:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def write(self, file: int, data: bytes, offset: int) -> None:
        written = os.pwrite(file, data, offset)
        while written < len(data):
            written += os.pwrite(file, memoryview(data)[written:], offset + written)

    def sync(self, file: int) -> None:
        os.fdatasync(file)

    def truncate(self, file: int, size: int) -> None:
        os.ftruncate(file, size)

    def free(self, folder: Path) -> int:
        found = os.statvfs(folder)
        return found.f_bavail * found.f_frsize


class Reserve:
    """A file that only takes up room, and gives it back when a last word has to be written."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError where there is no room for it."""
        self._path = folder / RESERVE
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(file, 0, _RESERVE_BYTES)
        except OSError:
            self.release()
            raise
        finally:
            os.close(file)

    def release(self) -> None:
        with suppress(OSError):
            self._path.unlink()


def make_folder(folder: Path) -> None:
    """Make it and those above it, lasting. Raises OSError."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names of new files in it lasting. Raises OSError."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
