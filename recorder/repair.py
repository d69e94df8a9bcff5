"""Make of a damaged recording what can be made of it. No media is deleted.

The index is written anew from what it still says and from what the chunks say of themselves. What
is damaged becomes a gap, so that all the rest can be played.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from recorder import index
from recorder.check import check
from recorder.disk import sync_folder
from recorder.index import IndexWriter
from recorder.ledger import Ledger
from recorder.media import LocalMedia
from recorder.recording import NotARecording, Recording
from recorder.records import Chunk, Closed, Sealed
from recorder.salvage import (
    ChunkKey,
    Head,
    chunk_files,
    digest,
    is_whole,
    opened,
    parts_in,
    read_head,
)

ASIDE: Final = ".damaged"
"""Ending of a damaged file that the store has whole."""
_NEW: Final = "index.new"


def repair(folder: Path) -> list[str]:
    """Look at everything, and mend what can be mended. Returns what was done, as sentences; none
    where all is well. Blocking; it takes as long as reading does.

    Raises OSError, BlockingIOError where a recorder is at work in the folder, and NotARecording
    where nothing tells which recording it is.
    """
    path = folder / index.FILE
    before = path.read_bytes() if path.exists() else None
    with IndexWriter(path) as writer:
        try:
            return _Repair(folder, writer, before).run(thorough=True)
        except NotARecording:
            if before is None:
                path.unlink()
            raise


def rewrite(writer: IndexWriter, folder: Path) -> list[str]:
    """As `repair`, for an index that is open; `writer` is of no use afterwards. What the index
    says is believed, and only what it does not know is looked at."""
    before = (folder / index.FILE).read_bytes()
    return _Repair(folder, writer, before).run(thorough=False)


class _Repair:
    def __init__(self, folder: Path, writer: IndexWriter, before: bytes | None) -> None:
        self._folder = folder
        self._before = before
        self._ledger = Ledger.of(writer.records)
        self._media = LocalMedia(folder)
        self._heads: dict[ChunkKey, Head] = {}
        self._said: list[str] = []
        self._changed = False
        if before is None:
            self._say("The index was missing.")
        elif self._ledger.began is None:
            self._say("The index did not begin with the recording's name.")
        if writer.broken:
            self._say(f"{_count(len(writer.broken), 'broken line')} of the index left out.")
        if writer.torn:
            self._say(f"{writer.torn} bytes at the end of the index cut off: not a whole line.")

    def run(self, thorough: bool) -> list[str]:
        there = chunk_files(self._folder)
        for key in there:
            with opened(self._folder / key.file) as file:
                head = read_head(file)
            if head is not None:
                self._heads[key] = head
        if self._ledger.began is None:
            notes = [head.note for head in self._heads.values()]
            if not notes:
                raise NotARecording("Nothing tells which recording this is.")
            self._ledger.began = notes[0].began
        # A damaged head may be mended by what the others tell.
        for key in [key for key in sorted(there, key=self._is_hurt) if self._introduce(key)]:
            self._look(key, thorough)
        self._miss(set(there))
        self._close()
        if self._changed:
            self._replace()
        return self._said

    def _is_hurt(self, key: ChunkKey) -> bool:
        head = self._heads.get(key)
        return head is None or head.init is None

    def _introduce(self, key: ChunkKey) -> bool:
        """Whether it is known which chunk a file is. That of a session is known afterwards."""
        ledger, head = self._ledger, self._heads.get(key)
        if head is not None:
            session = head.note.session
            if session.number not in ledger.sessions:
                ledger.sessions[session.number] = session
                self._say(f"Session {session.number} found in {key.file}.")
        if key in ledger.chunks:
            return True
        chunk = None if head is None else head.chunk or self._with_other_init(head)
        if chunk is None:
            sentence = f"{key.file} does not tell what it is, and was left as it is."
            self._say(sentence, changed=False)
            return False
        ledger.chunks[key] = chunk
        self._say(f"{key.file} was not in the index.")
        return True

    def _with_other_init(self, head: Head) -> Chunk | None:
        """The chunk of a damaged init segment, if another chunk has the same one."""
        note = head.note
        wanted = (note.chunk.rendition, note.chunk.session, note.chunk.map)
        for other in self._ledger.chunks.values():
            if (other.rendition, other.session, other.map) == wanted:
                return note.with_init(other.init)
        return None

    def _look(self, key: ChunkKey, thorough: bool) -> None:
        """At one chunk and all of its parts."""
        ledger = self._ledger
        chunk = ledger.chunks[key]
        with opened(self._folder / key.file, os.O_RDWR) as file:
            self._mend_init(file, key, chunk)
            self._hear(file, key)
            size = os.fstat(file).st_size
            sealed = ledger.sealed.get(key)
            if sealed is not None and not thorough:
                return
            now = Sealed(key.rendition, key.number, size, digest(file, size))
        if sealed != now and key in ledger.stored:
            self._move_aside(key)
            return
        if thorough:
            self._lose_damaged(key, size)
        ledger.sealed[key] = now
        if sealed is None:
            self._say(f"{key.file} was not sealed, and is now.")
        elif sealed != now:
            self._say(f"{key.file} is not what was sealed, and was sealed as it is.")

    def _lose_damaged(self, key: ChunkKey, size: int) -> None:
        """What is not as it was written becomes a gap."""
        known = list(self._ledger.parts.get(key, {}).values())
        damaged = check(self._media, self._ledger.chunks[key], known, size).damaged
        for part in damaged:
            self._ledger.lose(part)
        if damaged:
            many = f"{len(damaged)} of {_count(len(known), 'part')}"
            self._say(f"{key.file}: {many} damaged or missing, and left out.")

    def _mend_init(self, file: int, key: ChunkKey, chunk: Chunk) -> None:
        if os.pread(file, len(chunk.init), 0) != chunk.init:
            os.pwrite(file, chunk.init, 0)
            os.fdatasync(file)
            self._say(f"The init segment of {key.file} was damaged, and written anew.")

    def _hear(self, file: int, key: ChunkKey) -> None:
        """Of parts that the index does not know."""
        ledger = self._ledger
        known = ledger.parts.get(key, {})
        head = self._heads.get(key)
        begin = len(ledger.chunks[key].init) if head is None else head.size
        lost, found = 0, 0
        for part in list(parts_in(file, key, begin, os.fstat(file).st_size)):
            if any(part.o < one.o + one.n and one.o < part.o + part.n for one in known.values()):
                continue
            if is_whole(file, part):
                found += 1
                ledger.add_part(part)
            elif not ledger.has_gap(part):
                lost += 1
                ledger.lose(part)
        if found:
            self._say(f"{key.file}: {_count(found, 'part')} found that the index did not know.")
        if lost:
            self._say(f"{key.file}: {_count(lost, 'damaged part')} left out.")

    def _move_aside(self, key: ChunkKey) -> None:
        (self._folder / key.file).rename(self._folder / (key.file + ASIDE))
        self._say(f"{key.file} is damaged, and the store has it whole: the file is aside now.")

    def _miss(self, there: set[ChunkKey]) -> None:
        """What is not there cannot be played."""
        ledger = self._ledger
        for key in [key for key in ledger.chunks if key not in there | ledger.stored]:
            many = _count(len(ledger.parts.get(key, {})), "part")
            ledger.forget(key)
            self._say(f"{key.file} is missing: {many} left out.")
        for key in [key for key in ledger.parts if key not in ledger.chunks]:
            many = _count(len(ledger.parts.pop(key)), "part")
            self._say(f"Nothing is known of {key.file}: {many} left out.")

    def _close(self) -> None:
        if self._ledger.closed is None:
            ended_ms = Recording.of(self._ledger.records()).ended_ms
            self._ledger.closed = Closed(ended_ms, "recovered")
            self._say("The recording was not closed, and is now.")

    def _replace(self) -> None:
        """Put a new index in the place of the old one, which is kept."""
        path = self._folder / index.FILE
        if self._before:
            backup = _free_name(self._folder)
            _write(backup, self._before)
            self._say(f"The index as it was is {backup.name}.")
        new = self._folder / _NEW
        _write(new, b"".join(map(index.encode, self._ledger.records())))
        new.replace(path)
        sync_folder(self._folder)

    def _say(self, sentence: str, *, changed: bool = True) -> None:
        self._said.append(sentence)
        self._changed = self._changed or changed


def _free_name(folder: Path) -> Path:
    """For a backup: none is written over."""
    number = 1
    while (path := folder / f"index-{number}.bak").exists():
        number += 1
    return path


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        path.chmod(0o600)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _count(count: int, noun: str) -> str:
    return f"1 {noun}" if count == 1 else f"{count} {noun}s"
