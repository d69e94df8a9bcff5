"""A recording as its index tells it: sessions, chunks, and what came of each rendition."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from recorder import index, records
from recorder.records import Closed, Gap, Mark, Part, Sealed, Session

ID: Final = re.compile(r"[a-z0-9][a-z0-9_-]{2,127}", re.ASCII)
"""What a recording may be called. It is a folder's name, so nothing else is let through."""


class NotARecording(Exception):
    """The index cannot be understood; the text says why."""


@dataclass(slots=True)
class ChunkFile:
    """One chunk, as far as the index has heard of it."""

    chunk: records.Chunk
    size: int
    """Bytes that count: the init segment and all parts in the index."""
    sealed: Sealed | None = None
    stored: bool = False
    """It is in the store, so the local file may be gone."""

    @property
    def name(self) -> str:
        return records.chunk_name(self.chunk.rendition, self.chunk.number)


@dataclass(slots=True)
class Captured:
    """What was recorded of one rendition."""

    name: str
    chunks: dict[int, ChunkFile] = field(default_factory=dict)
    spans: list[tuple[int, Part | Gap]] = field(default_factory=list)
    """(session, part or gap), in the order of time."""

    @property
    def is_video(self) -> bool:
        return any(one.chunk.width > 0 for one in self.chunks.values())

    @property
    def size(self) -> int:
        """Bytes of all chunks."""
        return sum(one.size for one in self.chunks.values())


@dataclass(slots=True)
class Recording:
    """All that the index says."""

    id: str
    channel: str
    title: str
    began_ms: int
    """Server time (Unix ms)."""
    sessions: dict[int, Session] = field(default_factory=dict)
    renditions: dict[str, Captured] = field(default_factory=dict)
    """In the order in which they came."""
    marks: list[Mark] = field(default_factory=list)
    closed: Closed | None = None
    """None while it grows, and after a crash."""

    @property
    def size(self) -> int:
        return sum(one.size for one in self.renditions.values())

    @property
    def ended_ms(self) -> int:
        """Server time (Unix ms) at which what there is of it ends."""
        ends = [self.began_ms]
        for captured in self.renditions.values():
            chunk = next(iter(captured.chunks.values()), None)
            if chunk is not None and captured.spans:
                number, last = captured.spans[-1]
                session = self.sessions.get(number)
                if session is not None:
                    passed = (last.t + last.d) * 1_000 // chunk.chunk.timescale
                    ends.append(session.origin_ms + passed)
        return max(ends)

    @classmethod
    def read(cls, folder: Path) -> Recording:
        """Read a folder's index. Raises OSError, and NotARecording."""
        return cls.of(index.read(folder / index.FILE).records)

    @classmethod
    def of(cls, found: Iterable[records.Record]) -> Recording:
        """Raises NotARecording."""
        lines = iter(found)
        first = next(lines, None)
        if not isinstance(first, records.Began):
            raise NotARecording("The index does not begin with a recording's name.")
        if first.version > records.VERSION:
            raise NotARecording(f"The index is of version {first.version}: update Sluice.")
        recording = cls(first.recording, first.channel, first.title, first.wall_ms)
        session = 0
        for line in lines:
            if isinstance(line, Session):
                session = line.number
                recording.sessions[session] = line
                recording.closed = None
            else:
                recording._take(line, session)
        return recording

    def _take(self, line: records.Record, session: int) -> None:
        match line:
            case Part() | Gap():
                captured = self._rendition(line.r)
                if isinstance(line, Part):
                    chunk = captured.chunks.get(line.c)
                    if chunk is None:
                        return  # its line is broken: without an init segment it is no use
                    chunk.size = line.o + line.n
                    session = chunk.chunk.session
                captured.spans.append((session, line))
            case records.Chunk():
                self._rendition(line.rendition).chunks[line.number] = ChunkFile(
                    line, len(line.init)
                )
            case Sealed() | records.Stored():
                known = self._rendition(line.rendition).chunks.get(line.number)
                if known is None:
                    return
                if isinstance(line, Sealed):
                    known.sealed = line
                else:
                    known.stored = True
            case Mark():
                self.marks.append(line)
            case Closed():
                self.closed = line
            case _:
                pass

    def _rendition(self, name: str) -> Captured:
        return self.renditions.setdefault(name, Captured(name))
