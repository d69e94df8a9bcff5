"""The files of recordings, where they are deleted: a folder of this machine, or a store."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol

from recorder import index
from recorder.jobs.key import KEY
from recorder.jobs.outputs import DERIVED
from recorder.recording import ID

_LEAVING: Final = ".leaving-"
"""A folder that is called so is no recording any more."""


class FilesRemain(Exception):
    """Something could not be deleted. What is left can be tried again."""


class Files(Protocol):
    """One place where files of recordings are. Doing it again is harmless."""

    async def remove(self, vod: str, keep: Collection[str]) -> None:
        """All of a recording but the outputs `keep`. Raises FilesRemain."""
        ...

    async def remove_output(self, vod: str, key: str) -> None:
        """One output; and the recording's folder, if nothing else is left in it.

        Raises FilesRemain.
        """
        ...


class LocalFiles:
    """The folder of recordings. Raises ValueError for an id or a key that cannot be one."""

    def __init__(self, recordings: Path) -> None:
        self._recordings = recordings

    async def remove(self, vod: str, keep: Collection[str]) -> None:
        folder = self._folder(vod)
        for key in keep:
            _check_key(key)
        with _errors_told():
            if keep:
                await asyncio.to_thread(self._remove_but, folder, keep)
            else:
                await asyncio.to_thread(self._remove, folder)

    async def remove_output(self, vod: str, key: str) -> None:
        folder = self._folder(vod)
        _check_key(key)
        with _errors_told():
            await asyncio.to_thread(self._remove_output, folder, key)

    def _folder(self, vod: str) -> Path:
        if not ID.fullmatch(vod):
            raise ValueError(f"{vod!r} is no recording's id.")
        return self._recordings / vod

    def _remove(self, folder: Path) -> None:
        """It vanishes at once, whatever becomes of its many files."""
        leaving = folder.with_name(_LEAVING + folder.name)
        _delete(leaving)
        with contextlib.suppress(FileNotFoundError):
            folder.rename(leaving)
            _sync(self._recordings)
        _delete(leaving)
        _sync(self._recordings)

    def _remove_but(self, folder: Path, keep: Collection[str]) -> None:
        if not folder.is_dir():
            return
        # Without its index it is no recording, however far this comes.
        (folder / index.FILE).unlink(missing_ok=True)
        _sync(folder)
        for path in list(folder.iterdir()):
            if path.name != DERIVED:
                _delete(path)
        _sync(folder)
        derived = folder / DERIVED
        if derived.is_dir():
            for path in list(derived.iterdir()):
                if path.name not in keep:
                    _delete(path)
            _sync(derived)

    def _remove_output(self, folder: Path, key: str) -> None:
        derived = folder / DERIVED
        if not derived.is_dir():
            return
        leaving = derived / f".{key}.0"
        _delete(leaving)
        with contextlib.suppress(FileNotFoundError):
            (derived / key).rename(leaving)
            _sync(derived)
        _delete(leaving)
        _sync(derived)
        if not (folder / index.FILE).exists():
            with contextlib.suppress(OSError):  # other clips are in there
                derived.rmdir()
                folder.rmdir()


@contextlib.contextmanager
def _errors_told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FilesRemain(str(error)) from error


def _check_key(key: str) -> None:
    if not KEY.fullmatch(key):
        raise ValueError(f"{key!r} is no output's key.")


def _delete(path: Path) -> None:
    """A file, a link, or a folder with all that is in it. Links are not followed."""
    if path.is_symlink() or not path.is_dir():
        try:
            path.unlink(missing_ok=True)
            return
        except IsADirectoryError:
            pass  # Somebody else moved it here after the look.
    shutil.rmtree(path, onerror=_unless_gone)


def _unless_gone(
    function: Callable[..., object],
    path: str,
    raised: tuple[type[BaseException], BaseException, TracebackType],
) -> None:
    """Somebody else deletes the same at the same time."""
    if not isinstance(raised[1], FileNotFoundError):
        raise raised[1]


def _sync(folder: Path) -> None:
    """Without it, a power failure could bring back what the catalog holds for gone."""
    file = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
