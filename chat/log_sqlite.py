"""The log in one SQLite file: the default, for one server.

One thread writes, another reads; WAL keeps them apart. What is appended while a batch is being
written makes up the next batch, in one transaction for all rooms.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import structlog

from chat.entry import Draft, Entry, Epoch, Position, RoomId
from chat.followers import Followers, Read
from chat.lineage import Lineage, new_epoch
from chat.log import Appended, Head, Hearts, LogError, News
from chat.numbering import Numbered
from chat.sqlite_rows import Rows

log = structlog.get_logger(__name__)

T = TypeVar("T")

BATCH_DRAFTS: Final = 2_000
"""In one transaction, about."""
WAITING_DRAFTS: Final = 20_000
"""Of all rooms; more is refused."""
ERASED_AT_ONCE: Final = 1_000
"""Entries in one transaction."""


@dataclass(slots=True)
class _Job:
    room: _Room
    drafts: Sequence[Draft]
    done: asyncio.Future[Sequence[Appended]]


class _Room:
    """A room that somebody in this process uses."""

    def __init__(self, name: RoomId, read: Read) -> None:
        self.name = name
        self.position: Position | None = None
        """None until it is open."""
        self.followers = Followers(read)


class SqliteLog:
    """A RoomLog. The first opening of a room by a process begins a new epoch.

    Should two processes open one room, the later one has it; the other's appends fail until it
    opens the room again. Raises OSError or sqlite3.Error when the file cannot be used at all.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        self._written = Rows(path)
        self._read = Rows(path)
        self._writer = ThreadPoolExecutor(1, "chat-log-writer")
        self._reader = ThreadPoolExecutor(1, "chat-log-reader")
        self._rooms: dict[RoomId, _Room] = {}
        self._opening = asyncio.Lock()
        self._jobs: list[_Job] = []
        self._waiting = 0
        self._writing: asyncio.Task[None] | None = None
        self._closed = False

    async def open(self, room: RoomId) -> Head:
        opened = await self._room(room)
        head = await self._reads(lambda: self._read.head(room))
        if opened.position is None or head.position.epoch != opened.position.epoch:
            head = await self._begin(opened)
        return head

    async def append(self, room: RoomId, drafts: Sequence[Draft]) -> Sequence[Appended]:
        opened = await self._room(room)
        if not drafts:
            return []
        if self._waiting + len(drafts) > WAITING_DRAFTS:
            raise LogError("Too many entries wait to be written.")
        done: asyncio.Future[Sequence[Appended]] = asyncio.get_running_loop().create_future()
        self._jobs.append(_Job(opened, drafts, done))
        self._waiting += len(drafts)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all(), name="chat log")
        return await done

    def follow(self, room: RoomId) -> AsyncIterator[News]:
        opened = self._named(room)
        return opened.followers.open(None if opened.position is None else opened.position.seq)

    async def after(self, room: RoomId, seq: int, limit: int) -> Sequence[Entry]:
        await self._room(room)
        return await self._reads(lambda: self._read.after(room, seq, limit))

    async def before(self, room: RoomId, t_show: int, limit: int) -> Sequence[Entry]:
        await self._room(room)
        return await self._reads(lambda: self._read.before(room, t_show, limit))

    async def between(
        self, room: RoomId, since_ms: int, until_ms: int, limit: int
    ) -> Sequence[Entry]:
        await self._room(room)
        return await self._reads(lambda: self._read.between(room, since_ms, until_ms, limit))

    async def acts(self, room: RoomId) -> Sequence[Entry]:
        await self._room(room)
        return await self._reads(lambda: self._read.acts(room))

    async def add_hearts(self, room: RoomId, hearts: Sequence[Hearts]) -> None:
        await self._room(room)
        await self._writes(lambda: self._written.add_hearts(room, hearts))

    async def hearts(self, room: RoomId, since_s: int, until_s: int) -> Sequence[Hearts]:
        await self._room(room)
        return await self._reads(lambda: self._read.hearts(room, since_s, until_s))

    async def trim(self, room: RoomId, before_ms: int) -> int:
        await self._room(room)
        return await self._writes(lambda: self._written.trim(room, before_ms))

    async def erase(
        self, room: RoomId, since_ms: int, until_ms: int, also: Collection[int] = ()
    ) -> int:
        await self._room(room)
        erased = 0
        while True:
            # Piece by piece: what is said meanwhile must not wait for all of it.
            gone = await self._writes(
                lambda: self._written.erase(room, since_ms, until_ms, also, ERASED_AT_ONCE)
            )
            erased += gone
            if gone < ERASED_AT_ONCE:
                return erased

    async def drop(self, room: RoomId) -> None:
        async with self._opening:
            await self._writes(lambda: self._written.drop(room))
            if (dropped := self._rooms.pop(room, None)) is not None:
                dropped.followers.close()

    async def close(self) -> None:
        """What is being appended is finished first."""
        if self._writing is not None:
            await self._writing
        self._closed = True
        for room in self._rooms.values():
            room.followers.close()
        self._writer.shutdown()
        self._reader.shutdown()
        self._written.close()
        self._read.close()

    def _named(self, room: RoomId) -> _Room:
        if room not in self._rooms:
            self._rooms[room] = _Room(room, lambda seq, limit: self.after(room, seq, limit))
        return self._rooms[room]

    async def _room(self, room: RoomId) -> _Room:
        """The room, opened where it is not."""
        opened = self._rooms.get(room)
        if opened is None or opened.position is None:
            async with self._opening:
                opened = self._named(room)
                if opened.position is None:
                    await self._begin(opened)
        return opened

    async def _begin(self, room: _Room) -> Head:
        """A new epoch; who follows already is told, and goes on from what still counts."""

        def begin() -> Head:
            self._written.begin(room.name, new_epoch())
            return self._written.head(room.name)

        head = await self._writes(begin)
        lineage = Lineage.of(head)
        if room.position is None:
            room.followers.lineage = lineage
        else:
            counted = lineage.valid(room.position) or 0
            moved = Position(lineage.epoch, counted)
            room.followers.head(Head(moved, head.t_show, head.oldest, head.chain))
        room.position = head.position
        return head

    async def _write_all(self) -> None:
        """Batch after batch, until nothing waits."""
        while self._jobs:
            jobs = self._next_batch()
            try:
                results = await self._writes(lambda jobs=jobs: self._append(jobs))  # type: ignore[misc]
            except LogError as error:
                for job in jobs:
                    _settle(job.done, error)
                continue
            except Exception as error:
                log.error("a batch of chat entries failed", exc_info=error)
                for job in jobs:
                    _settle(job.done, LogError(f"{error!r}."))
                continue
            for job, result in zip(jobs, results, strict=True):
                self._appended(job, result)
        self._writing = None

    def _next_batch(self) -> Sequence[_Job]:
        size = count = 0
        for job in self._jobs:
            if count and size + len(job.drafts) > BATCH_DRAFTS:
                break
            size, count = size + len(job.drafts), count + 1
        jobs, self._jobs = self._jobs[:count], self._jobs[count:]
        self._waiting -= size
        return jobs

    def _append(self, jobs: Sequence[_Job]) -> Sequence[Numbered | LogError]:
        """In the writer's thread and in one transaction. What is refused is as if not there."""
        results: list[Numbered | LogError] = []
        for job in jobs:
            try:
                epoch = job.room.position.epoch if job.room.position else Epoch("")
                results.append(self._written.append(job.room.name, epoch, job.drafts))
            except LogError as refused:
                results.append(refused)
        return results

    def _appended(self, job: _Job, result: Numbered | LogError) -> None:
        if isinstance(result, LogError):
            _settle(job.done, result)
            return
        if result.entries:
            last = result.entries[-1]
            job.room.position = Position(last.epoch, last.seq)
            job.room.followers.entries(result.entries)
        if not job.done.done():
            job.done.set_result(result.appended)

    async def _writes(self, work: Callable[[], T]) -> T:
        def transaction() -> T:
            with self._written.transaction():
                return work()

        return await self._run(self._writer, transaction)

    async def _reads(self, work: Callable[[], T]) -> T:
        return await self._run(self._reader, work)

    async def _run(self, thread: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        if self._closed:
            raise LogError("The log is closed.")
        try:
            return await asyncio.get_running_loop().run_in_executor(thread, work)
        except sqlite3.Error as error:
            # An error at the very end of a transaction does not tell whether it took effect.
            raise LogError(f"SQLite: {error}.", maybe=True) from error


def _settle(done: asyncio.Future[Sequence[Appended]], error: LogError) -> None:
    if not done.done():
        done.set_exception(error)
