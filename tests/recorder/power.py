"""Disks that lose what was not synced, as a power cut makes them.

While a recorder writes, the state of the folder is kept at each sync of a chunk. From two of them
that follow each other, `images` makes what could be on the disk if the power had gone in between:
of bytes that were not synced some pages are there, some are zeros, and the file is of any length
in between; a file whose name was not synced may be missing.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from recorder import index
from recorder.disk import LocalDisk

PAGE = 4_096


@dataclass(frozen=True, slots=True)
class Moment:
    """Right before a sync."""

    index: bytes
    """All of it is lasting."""
    chunks: dict[str, bytes]
    synced: dict[str, int]
    """Bytes that are lasting."""


class PowerDisk(LocalDisk):
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: dict[int, str] = {}
        self._synced: dict[str, int] = {}
        self.moments: list[Moment] = []

    def create(self, path: Path) -> int:
        file = super().create(path)
        self._names[file] = path.name
        return file

    def sync(self, file: int) -> None:
        self.keep()
        super().sync(file)
        self._synced[self._names[file]] = os.fstat(file).st_size

    def keep(self) -> None:
        chunks = {path.name: path.read_bytes() for path in self._folder.glob("*.mp4")}
        lines = (self._folder / index.FILE).read_bytes()
        self.moments.append(Moment(lines, chunks, dict(self._synced)))


def images(disk: PowerDisk, folder: Path, chance: random.Random) -> Iterator[tuple[Path, Moment]]:
    """Folders as a power cut may leave them, each with the moment before."""
    for number, moment in enumerate(disk.moments):
        image = folder / f"{number}"
        image.mkdir()
        for name, data in moment.chunks.items():
            kept = _torn(data, moment.synced.get(name, 0), chance)
            if kept or chance.random() < 0.5:
                (image / name).write_bytes(kept)
        (image / index.FILE).write_bytes(moment.index)
        yield image, moment
    for number, (before, after) in enumerate(zip(disk.moments, disk.moments[1:], strict=False)):
        if len(after.index) == len(before.index):
            continue
        image = folder / f"index-{number}"
        image.mkdir()
        for name, data in after.chunks.items():
            # What is in the index was synced before.
            (image / name).write_bytes(data[: after.synced.get(name, 0)])
        (image / index.FILE).write_bytes(_torn(after.index, len(before.index), chance))
        yield image, before


def _torn(data: bytes, synced: int, chance: random.Random) -> bytes:
    """Bytes behind `synced` may be there or not."""
    size = chance.choice((synced, len(data), chance.randint(synced, len(data))))
    kept = bytearray(data[:size])
    for begin in range(synced // PAGE * PAGE, size, PAGE):
        if chance.random() < 0.4:
            begin = max(begin, synced)
            end = min(begin // PAGE * PAGE + PAGE, size)
            kept[begin:end] = bytes(end - begin)
    return bytes(kept)
