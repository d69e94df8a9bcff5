"""The log's news, made whole: no hole, nothing twice, and again after it broke off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from chat.counts import Counts
from chat.entry import Entry, RoomId
from chat.following import Follower
from chat.log import Head, LogError, News
from chat.log_memory import MemoryLog
from tests.chat.entries import entry, head

ROOM = RoomId("live")


class ToldLog(MemoryLog):
    """Tells what a test says, and knows what it put in."""

    def __init__(self) -> None:
        super().__init__()
        self.known: list[Entry] = []
        self.news: asyncio.Queue[News | LogError | None] = asyncio.Queue()
        self.followed = 0

    def follow(self, room: RoomId) -> AsyncIterator[News]:
        self.followed += 1
        return self._follow()

    async def _follow(self) -> AsyncIterator[News]:
        while (news := await self.news.get()) is not None:
            if isinstance(news, LogError):
                raise news
            yield news

    async def after(self, room: RoomId, seq: int, limit: int) -> Sequence[Entry]:
        return [one for one in self.known if one.seq > seq][:limit]

    def tell(self, *numbers: int) -> None:
        self.news.put_nowait(News([entry(seq) for seq in numbers]))

    def know(self, last: int) -> None:
        self.known = [entry(seq) for seq in range(1, last + 1)]


class Seen:
    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.heads: list[Head] = []
        self._came = asyncio.Event()

    def take(self, entries: Sequence[Entry]) -> None:
        self.numbers += [one.seq for one in entries]
        self._came.set()

    async def take_over(self, head: Head) -> int:
        self.heads.append(head)
        self._came.set()
        return head.position.seq

    async def until(self, last: int) -> list[int]:
        async with asyncio.timeout(10):
            while not self.numbers or self.numbers[-1] != last:
                self._came.clear()
                await self._came.wait()
        return self.numbers


@asynccontextmanager
async def following(log: ToldLog, heard: int = 0) -> AsyncIterator[tuple[Seen, Counts]]:
    seen, counts = Seen(), Counts()
    follower = Follower(ROOM, log, seen.take, seen.take_over, counts, again_s=0)
    await follower.begin()
    follower.heard = heard
    task = asyncio.create_task(follower.run())
    try:
        yield seen, counts
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_what_is_told_in_order_is_taken_once() -> None:
    log = ToldLog()
    async with following(log) as (seen, _):
        log.tell(1, 2)
        log.tell(2, 3)
        assert await seen.until(3) == [1, 2, 3]


async def test_a_hole_is_filled_from_the_log() -> None:
    log = ToldLog()
    log.know(6)
    async with following(log, heard=2) as (seen, _):
        log.tell(6)
        assert await seen.until(6) == [3, 4, 5, 6]


async def test_what_was_said_while_it_was_broken_is_read_again() -> None:
    log = ToldLog()
    async with following(log) as (seen, counts):
        log.tell(1)
        await seen.until(1)
        log.know(4)
        log.news.put_nowait(LogError("the connection broke"))
        assert await seen.until(4) == [1, 2, 3, 4]
        log.news.put_nowait(None)  # it ends
        log.know(5)
        assert await seen.until(5) == [1, 2, 3, 4, 5]
        assert (counts.log_failures, log.followed) == (2, 3)


async def test_a_new_head_says_which_number_counts_and_the_rest_is_read_again() -> None:
    log = ToldLog()
    async with following(log, heard=7) as (seen, _):
        log.know(6)
        log.news.put_nowait(News((), head(5, epoch="e2", chain=(("e1", 5),))))
        assert await seen.until(6) == [6]
        assert [one.position.epoch for one in seen.heads] == ["e2"]
