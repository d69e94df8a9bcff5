"""What clients made goes into the log in its order, one append at a time, and everybody is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from chat.appending import Appender
from chat.counts import Counts
from chat.entry import Draft, RoomId
from chat.log import Appended, LogError
from chat.log_memory import MemoryLog
from sluice.clock import VirtualClock

ROOM = RoomId("live")


class SlowLog(MemoryLog):
    """A log that waits until it is let go, and fails as often as it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()
        self.go.set()
        self.calls: list[int] = []
        self.failures: list[LogError] = []

    async def append(self, room: RoomId, drafts: Sequence[Draft]) -> Sequence[Appended]:
        self.calls.append(len(drafts))
        await self.go.wait()
        if self.failures:
            raise self.failures.pop(0)
        return await super().append(room, drafts)


class Told:
    """Whoever made something."""

    def __init__(self) -> None:
        self.results: list[Appended | None] = []
        self._came = asyncio.Event()

    def done(self, appended: Appended | None) -> None:
        self.results.append(appended)
        self._came.set()

    async def until(self, count: int) -> list[int | None]:
        """The numbers of the first results."""
        async with asyncio.timeout(10):
            while len(self.results) < count:
                self._came.clear()
                await self._came.wait()
        return [one.seq if one else None for one in self.results]


def draft(number: int, key: str | None = None) -> Draft:
    return Draft("message", b'{"n":%d}' % number, number, key=key)


@asynccontextmanager
async def appending(log: SlowLog, most: int = 100) -> AsyncIterator[tuple[Appender, Counts]]:
    counts = Counts()
    appender = Appender(ROOM, log, most, VirtualClock(), counts)
    task = asyncio.create_task(appender.run())
    try:
        yield appender, counts
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_what_comes_while_the_log_works_is_appended_together() -> None:
    log, told = SlowLog(), Told()
    async with appending(log) as (appender, _):
        log.go.clear()
        appender.add([draft(1)], told.done)
        await asyncio.sleep(0)
        for number in range(2, 6):
            appender.add([draft(number)], told.done)
        log.go.set()
        assert await told.until(5) == [1, 2, 3, 4, 5]
        assert log.calls == [1, 4]


async def test_the_first_of_several_drafts_is_what_is_told() -> None:
    log, told = SlowLog(), Told()
    async with appending(log) as (appender, _):
        appender.add([draft(1), draft(2)], told.done)
        appender.add([draft(3)], told.done)
        assert await told.until(2) == [1, 3]


async def test_too_much_is_refused_and_not_forgotten_in_silence() -> None:
    log, told = SlowLog(), Told()
    async with appending(log, most=2) as (appender, _):
        assert [appender.add([draft(n)], told.done) for n in range(3)] == [True, True, False]
        assert len(await told.until(2)) == 2


async def test_a_failure_is_told_to_all_of_the_batch_and_the_next_goes_on() -> None:
    log, told = SlowLog(), Told()
    async with appending(log) as (appender, counts):
        log.failures = [LogError("no disk")]
        appender.add([draft(1)], told.done)
        appender.add([draft(2)], told.done)
        assert await told.until(2) == [None, None]
        appender.add([draft(3)], told.done)
        assert await told.until(3) == [None, None, 1]
        assert counts.log_failures == 1


async def test_what_may_be_there_is_tried_again_only_where_all_have_keys() -> None:
    log, told = SlowLog(), Told()
    async with appending(log) as (appender, _):
        log.failures = [LogError("no answer", maybe=True)]
        appender.add([draft(1, key="k1")], told.done)
        assert await told.until(1) == [1]
        log.failures = [LogError("no answer", maybe=True)]
        appender.add([draft(2)], told.done)
        assert await told.until(2) == [1, None]


async def test_who_waits_at_the_end_is_told_that_nothing_came_of_it() -> None:
    log, told = SlowLog(), Told()
    async with appending(log) as (appender, _):
        log.go.clear()
        appender.add([draft(1)], told.done)
        await asyncio.sleep(0)
        appender.add([draft(2)], told.done)
    assert told.results == [None, None]
