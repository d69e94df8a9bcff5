"""Where the bytes of chunks come from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol


class MediaMissing(Exception):
    """A chunk, or a piece of it, is not where it should be. The text names it."""


class Media(Protocol):
    """The chunks of one recording. Blocking: call it in a thread. Safe to use from several."""

    def read(self, name: str, offset: int, size: int) -> bytes:
        """Exactly so many bytes of the chunk file `name`. Raises MediaMissing."""
        ...

    def local(self, name: str) -> Path | None:
        """The chunk as a file of this machine, if it is one, for copies within the kernel."""
        ...


class LocalMedia:
    """The chunks in a recording's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str, offset: int, size: int) -> bytes:
        try:
            file = os.open(self._folder / name, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise MediaMissing(f"{name}: {error.strerror}") from error
        try:
            data = os.pread(file, size, offset)
        except OSError as error:
            raise MediaMissing(f"{name}: {error.strerror}") from error
        finally:
            os.close(file)
        if len(data) != size:
            raise MediaMissing(f"{name}: it ends before byte {offset + size}")
        return data

    def local(self, name: str) -> Path | None:
        path = self._folder / name
        return path if path.is_file() else None
