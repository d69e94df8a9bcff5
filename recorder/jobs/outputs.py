"""The folder `derived/` of a recording: one folder an output, named by its key.

An output is made in `.<key>.<attempt>` and renamed when it is complete and on the disk. So what
can be found is always whole, and a second one of the same key changes nothing.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Final

import msgspec

from recorder.jobs.key import KEY
from recorder.work.task import Facts, WorkError

DERIVED: Final = "derived"
FACTS: Final = "facts.json"
_BEGUN: Final = re.compile(r"\.([0-9a-f]{32})\.(\d+)", re.ASCII)

_facts: msgspec.json.Decoder[Facts] = msgspec.json.Decoder(Facts)


class Outputs:
    """Of one recording. Blocking: call it in a thread. Raises OSError."""

    def __init__(self, recording: Path) -> None:
        self._recording = recording
        self._folder = recording / DERIVED

    def find(self, key: str) -> Path | None:
        """The output's folder, if it is there."""
        folder = self._folder / key
        return folder if KEY.fullmatch(key) and (folder / FACTS).is_file() else None

    def facts(self, key: str) -> Facts | None:
        """What its makers know about it; None where it is not there."""
        folder = self.find(key)
        if folder is None:
            return None
        try:
            return _facts.decode((folder / FACTS).read_bytes())
        except (OSError, msgspec.MsgspecError):
            return None

    def keys(self) -> set[str]:
        """Of all that are there."""
        return {name for name in self._names() if self.find(name) is not None}

    def begin(self, key: str, attempt: int) -> Path:
        """An empty folder to make it in. What earlier attempts left is deleted."""
        if not self._folder.is_dir():
            self._folder.mkdir(mode=0o700, exist_ok=True)
            _sync(self._recording)
        for found, number in self.begun():
            if found == key and number <= attempt:
                self.abandon(found, number)
        folder = self._making(key, attempt)
        folder.mkdir(mode=0o700)
        return folder

    def publish(self, key: str, attempt: int) -> bool:
        """Let it be found. False where it was there already, which is as good.

        Raises WorkError where it holds anything but files and folders: a link would lead
        whoever serves it elsewhere.
        """
        making = self._making(key, attempt)
        _refuse_links(making)
        try:
            making.rename(self._folder / key)
        except OSError:
            # The target is not empty. Not asked before: only the renaming itself knows.
            if self.find(key) is None:
                raise
            self.abandon(key, attempt)
            return False
        _sync(self._folder)
        return True

    def abandon(self, key: str, attempt: int) -> None:
        """Delete what was begun."""
        shutil.rmtree(self._making(key, attempt), ignore_errors=True)

    def remove(self, key: str) -> None:
        """Delete an output. It vanishes at once, or not at all."""
        if self.find(key) is None:
            return
        leaving = self._making(key, 0)
        shutil.rmtree(leaving, ignore_errors=True)
        (self._folder / key).rename(leaving)
        shutil.rmtree(leaving, ignore_errors=True)

    def begun(self) -> list[tuple[str, int]]:
        """(key, attempt) of all that are being made, or were left behind."""
        found = [_BEGUN.fullmatch(name) for name in self._names()]
        return [(match[1], int(match[2])) for match in found if match]

    def _names(self) -> Collection[str]:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            return [entry.name for entry in self._folder.iterdir()]
        return []

    def _making(self, key: str, attempt: int) -> Path:
        return self._folder / f".{key}.{attempt}"


def all_begun(recordings: Path) -> list[tuple[Outputs, str, int]]:
    """(outputs, key, attempt) of all that are being made, or were left behind, anywhere.

    Ask what runs after this, not before: what is begun meanwhile is not in it then. Blocking.
    """
    try:
        folders = [Outputs(folder) for folder in recordings.iterdir() if folder.is_dir()]
    except FileNotFoundError:
        return []
    return [(outputs, *one) for outputs in folders for one in outputs.begun()]


def complete(folder: Path, facts: Facts) -> None:
    """Write the facts, and bring everything in the folder to the disk. Raises OSError."""
    (folder / FACTS).write_bytes(msgspec.json.format(msgspec.json.encode(facts), indent=1))
    for place, folders, files in os.walk(folder):
        for name in (*files, *folders):
            path = Path(place, name)
            if not path.is_symlink():
                _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _refuse_links(folder: Path) -> None:
    if folder.is_symlink() or not folder.is_dir():
        raise WorkError("Its output is gone.")
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(place, name)
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise WorkError(f"Its output holds something that is no file: {name!r}.")
