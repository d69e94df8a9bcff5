"""Recordings on the disk of which the store does not have all yet, and what is noted of it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import structlog

from recorder import index
from recorder.index import IndexWriter
from recorder.recording import ID, NotARecording, Recording
from recorder.records import Sealed, Stored

log = structlog.get_logger(__name__)

NOTE: Final = "index.stored"
"""Lies beside the index of a closed recording once the store has all of it."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A recording of which the store lacks something."""

    recording: str
    folder: Path
    closed: bool
    """False: it grows, or its end was not written yet because of a crash."""
    waiting: tuple[Sealed, ...]
    """Chunks that are complete and not stored. Empty: only the index."""


class _Note(msgspec.Struct, frozen=True):
    size: int
    sha256: str


def unfinished(recordings: Path) -> list[Unfinished]:
    """Look through a folder of recordings, after a restart. Blocking.

    What cannot be read is left to the verifier, and told in the log.
    """
    found = []
    for folder in sorted(recordings.iterdir()) if recordings.is_dir() else ():
        if not ID.fullmatch(folder.name) or not (folder / index.FILE).is_file():
            continue
        try:
            if is_noted(folder):
                continue
            recording = Recording.read(folder)
        except (OSError, NotARecording) as error:
            log.warning("a recording cannot be read", folder=str(folder), error=str(error))
            continue
        waiting = tuple(waiting_of(recording))
        closed = recording.closed is not None
        if waiting or closed:
            found.append(Unfinished(folder.name, folder, closed, waiting))
    return found


def waiting_of(recording: Recording) -> list[Sealed]:
    """Chunks that are complete and not stored, in the order of their numbers."""
    files = (file for one in recording.renditions.values() for file in one.chunks.values())
    waiting = [one.sealed for one in files if one.sealed is not None and not one.stored]
    return sorted(waiting, key=lambda one: (one.number, one.rendition))


def index_bytes(folder: Path) -> bytes:
    """The whole lines of an index, also while it grows. Blocking. Raises OSError."""
    data = (folder / index.FILE).read_bytes()
    return data[: data.rfind(b"\n") + 1]


def record_stored(folder: Path, stored: Iterable[tuple[str, int]]) -> None:
    """Write into the index of a closed recording what the store has by now. Blocking.

    Raises OSError; BlockingIOError while another process writes to it.
    """
    with IndexWriter(folder / index.FILE) as writer:
        recording = Recording.of(writer.records)
        missing = []
        for rendition, number in sorted(stored):
            captured = recording.renditions.get(rendition)
            file = captured.chunks.get(number) if captured else None
            if file is not None and not file.stored:
                missing.append(Stored(rendition, number))
        if missing:
            writer.append(missing)


def note_stored(folder: Path, size: int, sha256: str) -> None:
    """The store has all of a closed recording, with an index of this size. Blocking."""
    path = folder / NOTE
    part = path.with_suffix(".part")
    part.write_bytes(msgspec.json.encode(_Note(size, sha256)))
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.rename(path)


def is_noted(folder: Path) -> bool:
    """The store was given all of it, and nothing came after that. Raises OSError."""
    try:
        note = msgspec.json.decode((folder / NOTE).read_bytes(), type=_Note)
    except FileNotFoundError:
        return False
    except msgspec.MsgspecError:
        return False  # it is only a note: look again
    return (folder / index.FILE).stat().st_size == note.size
