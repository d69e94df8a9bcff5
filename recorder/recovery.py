"""What a crash left: parts that the index had not heard of, and a recording that nobody closed.

Nothing that counts is changed, so it can be done again and again, also when a crash ends it. What
is damaged in the middle is for recorder/repair.py.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from recorder import index
from recorder.index import IndexWriter
from recorder.recording import ChunkFile, NotARecording, Recording
from recorder.records import Closed, Part, Record, Sealed
from recorder.repair import rewrite
from recorder.salvage import (
    ChunkKey,
    chunk_files,
    digest,
    is_whole,
    opened,
    parts_in,
    read_head,
)


@dataclass(slots=True)
class Recovered:
    """What was found and done."""

    parts: int = 0
    """That the index had not heard of, and now has."""
    cut: int = 0
    """Bytes of parts that were only half written."""
    sealed: int = 0
    """Chunks that were not."""
    torn: int = 0
    """Bytes of a torn line at the end of the index."""
    rewritten: list[str] = field(default_factory=list)
    """The index had broken lines in its middle, and was written anew: what was done, as
    sentences."""
    damaged: list[str] = field(default_factory=list)
    """Chunks that are not as long as the index says, or missing: a case for repair."""
    closed: bool = False
    """It was closed now. False: it had been closed before."""


def recover(folder: Path) -> Recovered:
    """Finish what a crash left open.

    Raises OSError, BlockingIOError where a recorder is at work in the folder, and NotARecording
    where the index does not even begin (repair may help).
    """
    path = folder / index.FILE
    if not path.exists():
        raise NotARecording("The index is missing.")
    with IndexWriter(path) as writer:
        was_open = Recording.of(writer.records).closed is None
        if writer.broken:
            # What the lines told stands in the chunks, too.
            return Recovered(closed=was_open, rewritten=rewrite(writer, folder))
        found = settle(writer, folder, writer.records)
        now = Recording.of(index.read(path).records)
        if now.closed is None:
            writer.append([Closed(now.ended_ms, "recovered")])
        found.closed = was_open
        found.torn = writer.torn
    return found


def settle(writer: IndexWriter, folder: Path, known: Sequence[Record]) -> Recovered:
    """Hear of all whole parts at the ends of chunks, and seal all chunks.

    `known` is what the index says. Raises OSError and NotARecording.
    """
    recording = Recording.of(known)
    there = chunk_files(folder)
    work = _Settling(folder, recording)
    work.missing(set(there))
    for key in there:
        work.take(key)
    if work.news:
        writer.append(work.news)
    return work.found


class _Settling:
    """Looks at one chunk after the other, and gathers what the index should say besides."""

    def __init__(self, folder: Path, recording: Recording) -> None:
        self.found = Recovered()
        self.news: list[Record] = []
        self._folder = folder
        self._recording = recording
        self._sessions = set(recording.sessions)

    def missing(self, there: set[ChunkKey]) -> None:
        for name, captured in self._recording.renditions.items():
            for number, chunk in captured.chunks.items():
                if not chunk.stored and ChunkKey(name, number) not in there:
                    self.found.damaged.append(chunk.name)

    def take(self, key: ChunkKey) -> None:
        captured = self._recording.renditions.get(key.rendition)
        chunks = captured.chunks if captured else {}
        chunk = chunks.get(key.number)
        is_last = key.number >= max(chunks, default=0)
        if chunk is not None and chunk.sealed is None:
            self._finish(key, chunk, is_last)
        elif chunk is None and is_last:
            self._hear(key)

    def _finish(self, key: ChunkKey, chunk: ChunkFile, is_last: bool) -> None:
        """The rest of a chunk, and its seal."""
        with opened(self._folder / key.file, os.O_RDWR) as file:
            size = os.fstat(file).st_size
            if size < chunk.size or (size > chunk.size and not is_last):
                self.found.damaged.append(key.file)
                return
            head = read_head(file)
            begin = chunk.size if head is None else max(chunk.size, head.size)
            self._seal(file, key, begin, _whole_parts(file, key, begin))

    def _hear(self, key: ChunkKey) -> None:
        """A chunk that the index does not know at all. Without a whole part it is no use."""
        path = self._folder / key.file
        with opened(path, os.O_RDWR) as file:
            head = read_head(file)
            parts = _whole_parts(file, key, 0 if head is None else head.size)
            if not parts:
                self.found.cut += os.fstat(file).st_size
                path.unlink()
            elif head is None or head.chunk is None:
                self.found.damaged.append(key.file)
            else:
                session = head.note.session
                if session.number not in self._sessions:
                    self._sessions.add(session.number)
                    self.news.append(session)
                self.news.append(head.chunk)
                self._seal(file, key, head.size, parts)

    def _seal(self, file: int, key: ChunkKey, begin: int, parts: Sequence[Part]) -> None:
        end = max((part.o + part.n for part in parts), default=begin)
        cut = os.fstat(file).st_size - end
        if cut > 0:
            os.ftruncate(file, end)
            self.found.cut += cut
        # A killed process leaves what it wrote to the kernel, and that is not on the disk yet.
        os.fdatasync(file)
        self.news += parts
        self.news.append(Sealed(key.rendition, key.number, end, digest(file, end)))
        self.found.parts += len(parts)
        self.found.sealed += 1


def _whole_parts(file: int, key: ChunkKey, begin: int) -> list[Part]:
    size = os.fstat(file).st_size
    return [part for part in parts_in(file, key, begin, size) if is_whole(file, part)]
