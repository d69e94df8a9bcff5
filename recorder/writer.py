"""The thread that writes a recording. Nobody waits for it: what does not fit is refused.

All that waits is written together: media, fdatasync, then the index, fdatasync. So a slow disk
makes larger groups, and no more calls.
"""

from __future__ import annotations

import errno
import os
import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import structlog

from recorder import index
from recorder.cutter import Cutter, Item, Step
from recorder.disk import FULL, Disk, Reserve, sync_folder
from recorder.index import IndexWriter
from recorder.records import Closed, Record, Sealed
from recorder.recovery import settle
from sluice.clock import Clock

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What the owner of a recording should hear of."""

    kind: Literal["disk full", "write error", "too slow"]
    """After the first two, the recording is closed. "too slow": parts were lost, and it goes
    on."""
    text: str


@dataclass(frozen=True, slots=True)
class Listener:
    """Called in the writer's thread."""

    lasting: Callable[[Sequence[Record]], None]
    """These records are on the disk, and so is their media."""
    failed: Callable[[Trouble], None]
    ended: Callable[[], None]
    """The last call."""


class _Entry(NamedTuple):
    item: Item
    size: int
    at_ms: int


@dataclass(slots=True)
class _File:
    file: int
    name: str
    size: int = 0
    """Bytes that were written."""
    lasting: int = 0
    """Bytes that the index knows of."""


class Writer:
    """`put` is called by one thread; figures can be read by any."""

    def __init__(
        self,
        folder: Path,
        writer: IndexWriter,
        cutter: Cutter,
        *,
        queue_bytes: int,
        reserve_bytes: int,
        disk: Disk,
        clock: Clock,
        listener: Listener,
    ) -> None:
        """Takes `writer` over. Raises OSError where there is no room."""
        self._folder = folder
        self._index = writer
        self._cutter = cutter
        self._queue_bytes = queue_bytes
        self._reserve_bytes = reserve_bytes
        self._disk = disk
        self._clock = clock
        self._listener = listener
        self._reserve = Reserve(folder)
        self._queue: queue.SimpleQueue[_Entry] = queue.SimpleQueue()
        self._put = 0
        self._done = 0
        """Bytes that were taken so far, and bytes that are done: each has one thread to write it,
        so there is no lock that the caller could wait for."""
        self._files: dict[str, _File] = {}
        self.last_commit_ms = clock.now_ms()
        self.waiting_since_ms: int | None = None
        """When the oldest was put that is not written yet; None where nothing waits."""
        self.written_bytes = 0
        """All that was appended to chunks."""
        self.ended = False
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)

    @property
    def queued_bytes(self) -> int:
        return 0 if self.ended else self._put - self._done

    def start(self) -> None:
        self._thread.start()

    def fits(self, size: int) -> bool:
        """Whether there is room for something of so many bytes."""
        return self._put - self._done + size <= self._queue_bytes

    def put(self, item: Item, size: int) -> None:
        """Take something, and return at once."""
        self._put += size
        self._queue.put(_Entry(item, size, self._clock.now_ms()))

    # --- in the thread

    def _run(self) -> None:
        try:
            while not self.ended:
                self._commit(self._take())
        except Exception as error:
            self._give_up(error)
        finally:
            self.ended = True
            self._reserve.release()
            for one in self._files.values():
                os.close(one.file)
            self._index.close()
            self.waiting_since_ms = None
            with suppress(queue.Empty):
                while True:
                    self._queue.get_nowait()
            self._listener.ended()

    def _take(self) -> list[_Entry]:
        """Wait for something, and take all that there is."""
        entries = [self._queue.get()]
        self.waiting_since_ms = entries[0].at_ms
        with suppress(queue.Empty):
            while True:
                entries.append(self._queue.get_nowait())
        return entries

    def _commit(self, entries: Sequence[_Entry]) -> None:
        steps: list[Step] = []
        for entry in entries:
            steps += self._cutter.take(entry.item)
            if isinstance(entry.item, Closed):
                self.ended = True
                break
        self._write(steps)
        records = [step.record for step in steps]
        if records:
            self._index.append(records)
        for one in self._files.values():
            self.written_bytes += one.size - one.lasting
            one.lasting = one.size
        for step in steps:
            if isinstance(step.record, Sealed):
                os.close(self._files.pop(step.file).file)
        self._done += sum(entry.size for entry in entries)
        self.last_commit_ms = self._clock.now_ms()
        if records:
            self._listener.lasting(records)
        if not self.ended and self._disk.free(self._folder) < self._reserve_bytes:
            raise OSError(errno.ENOSPC, "Almost no room is left")
        self.waiting_since_ms = None

    def _write(self, steps: Sequence[Step]) -> None:
        """The media of all steps, lasting when this returns."""
        touched: dict[str, _File] = {}
        created = False
        for step in steps:
            if not step.data:
                continue
            one = self._files.get(step.file)
            if one is None:
                file = self._disk.create(self._folder / step.file)
                one = self._files[step.file] = _File(file, step.file)
                created = True
            touched[step.file] = one
            for data in step.data:
                self._disk.write(one.file, data, one.size)
                one.size += len(data)
        for one in touched.values():
            try:
                self._disk.sync(one.file)
            except OSError:
                # Nobody knows what of it is on the disk, and the kernel does not try again.
                self._disk.truncate(one.file, one.lasting)
                raise
        if created:
            sync_folder(self._folder)

    def _give_up(self, error: Exception) -> None:
        """Close the recording. What is whole of it stays."""
        is_full = isinstance(error, OSError) and error.errno in FULL
        reason: Literal["disk full", "write error"] = "disk full" if is_full else "write error"
        log.error("a recording ends early", folder=self._folder.name, reason=reason, exc_info=error)
        self._reserve.release()
        try:
            known = index.read(self._folder / index.FILE).records
            settle(self._index, self._folder, known)
            self._index.append([Closed(self._clock.wall_ms(), reason)])
        except Exception as again:
            # It is found open, and recovered, when the disk is well again. Whatever it was: the
            # owner is told below.
            log.error("a recording cannot be closed", folder=self._folder.name, exc_info=again)
        self._listener.failed(Trouble(reason, f"{error}"))
