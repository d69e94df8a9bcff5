"""A recording that grows by hand. What is in its chunks does not matter to a store."""

from __future__ import annotations

import random
from hashlib import sha256
from pathlib import Path

from recorder import index
from recorder.index import IndexWriter
from recorder.recording import Recording
from recorder.records import Began, Chunk, Closed, Part, Sealed, Session, Stored, chunk_name

ID = "kim-20260101-200000-abcdef"


class Growing:
    """Writes into a folder as a recorder does. Opened again, it goes on behind what is there."""

    def __init__(self, recordings: Path, recording: str = ID) -> None:
        self.id = recording
        self.folder = recordings / recording
        self.folder.mkdir(parents=True, exist_ok=True)
        self._index = IndexWriter(self.folder / index.FILE)
        begun = len(self._index.records) > 0
        last = [one for one in self._index.records if isinstance(one, Chunk)]
        self.next = max((one.number for one in last), default=0) + 1
        if not begun:
            self._index.append([Began(1, recording, "kim", "", 1), Session(1, "e", 1)])

    def seal(self, size: int, rendition: str = "source", number: int = 0) -> Sealed:
        """The next chunk, from its first byte to its end. Its bytes depend on its name only."""
        number, self.next = number or self.next, self.next + (number == 0)
        name = chunk_name(rendition, number)
        data = random.Random(name).randbytes(size)
        (self.folder / name).write_bytes(data)
        chunk = Chunk(rendition, number, 1, 0, data[:10], "avc1.640028", 90_000, 1280, 720)
        part = Part(rendition, number, number, 0, 0, 1, 10, size - 10, 0, i=True)
        sealed = Sealed(rendition, number, size, sha256(data).hexdigest())
        self._index.append([chunk, part, sealed])
        return sealed

    def stored(self, rendition: str, number: int) -> None:
        self._index.append([Stored(rendition, number)])

    def session(self) -> None:
        """The stream comes back."""
        self._index.append([Session(2, "f", 2)])

    def close(self) -> None:
        self._index.append([Closed(2, "end")])
        self._index.close()

    def abandon(self) -> None:
        """As a crash leaves it."""
        self._index.close()

    def read(self) -> Recording:
        return Recording.read(self.folder)

    def data(self, sealed: Sealed) -> bytes:
        return (self.folder / chunk_name(sealed.rendition, sealed.number)).read_bytes()


def name_of(sealed: Sealed, recording: str = ID) -> str:
    """Its name in the store."""
    return f"{recording}/{chunk_name(sealed.rendition, sealed.number)}"


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
