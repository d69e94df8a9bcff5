"""Those who follow a room in this process: each gets everything in order, at its own pace.

A follower that falls behind keeps no growing queue: it forgets what waits and reads the log from
its position on. Holes are mended in the same way.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Final
from weakref import WeakSet

from chat.entry import Entry, Position
from chat.lineage import Lineage
from chat.log import Head, LogError, News

QUEUE_ENTRIES: Final = 5_000
"""What waits for one follower at most."""
READ_ENTRIES: Final = 500
RETRY_S: Final = 0.2
"""Between attempts to mend a hole while the log cannot be reached."""

Read = Callable[[int, int], Awaitable[Sequence[Entry]]]
"""`after` of the room's log: a number, and how many entries at most."""


class Followers:
    """Of one room. Who lets go of a follower need not close it."""

    def __init__(self, read: Read, limit: int = QUEUE_ENTRIES) -> None:
        self.read = read
        self.limit = limit
        self.lineage: Lineage | None = None
        """Of the newest head; None before the first."""
        self._all: WeakSet[Follower] = WeakSet()
        self._closed = False

    def __len__(self) -> int:
        return len(self._all)

    def open(self, at: int | None) -> Follower:
        """A follower that has read up to `at`; None: it takes what comes first as its start."""
        follower = Follower(self, at)
        if self._closed:
            follower.close()
        else:
            self._all.add(follower)
        return follower

    def entries(self, entries: Sequence[Entry]) -> None:
        """These follow."""
        news = News(entries)
        for follower in list(self._all):
            follower.put(news)

    def head(self, head: Head) -> None:
        """Another epoch began; entries go on after `head.position.seq`."""
        self.lineage = Lineage.of(head)
        for follower in list(self._all):
            follower.put(News((), head))

    def close(self) -> None:
        """What waits can still be read; then they end."""
        self._closed = True
        for follower in list(self._all):
            follower.close()


class Follower(AsyncIterator[News]):
    """One reader of the news; made by `Followers.open`, read by one task."""

    def __init__(self, owner: Followers, at: int | None) -> None:
        self._owner = owner
        self._at = at
        self._queue: deque[News] = deque()
        self._waiting = 0
        self._newest = at or 0
        self._behind = False
        self._closed = False
        self._woken = asyncio.Event()

    def put(self, news: News) -> None:
        """Never waits."""
        if news.head is not None:
            self._newest = news.head.position.seq
            self._queue.append(news)
        else:
            self._newest = news.entries[-1].seq
            if not self._behind:
                self._queue.append(news)
                self._waiting += len(news.entries)
                if self._waiting > self._owner.limit:
                    self._fall_behind()
        self._woken.set()

    def close(self) -> None:
        self._closed = True
        self._woken.set()

    async def __anext__(self) -> News:
        while True:
            self._woken.clear()
            news: News | None = None
            if self._queue:
                first = self._queue[0]
                news = self._step(first.head) if first.head else await self._take(first.entries)
            elif self._behind and not self._closed:
                news = await self._catch_up()
            elif self._closed:
                raise StopAsyncIteration
            else:
                await self._woken.wait()
            if news is not None:
                return news

    def _step(self, head: Head) -> News:
        """Into another epoch; who has not read as far as it counts goes on from where it is."""
        self._queue.popleft()
        counted = head.position.seq
        self._at = counted if self._at is None else min(self._at, counted)
        return News((), _moved(head, self._at))

    async def _take(self, entries: Sequence[Entry]) -> News | None:
        """The first of the queue; while a hole is before it, what belongs there."""
        at = entries[0].seq - 1 if self._at is None else self._at
        missing = entries[0].seq - 1 - at
        if missing > 0:
            read = await self._read(at, min(missing, READ_ENTRIES))
            if self._behind:
                return None
            if any(news.head for news in self._queue):
                self._fall_behind()
                return None
            if mended := [entry for entry in read if entry.seq <= at + missing]:
                return self._handed(mended)
        self._queue.popleft()
        self._waiting -= len(entries)
        return self._handed([entry for entry in entries if entry.seq > at])

    async def _catch_up(self) -> News | None:
        newest = self._newest
        read = await self._read(self._at or 0, READ_ENTRIES)
        if self._queue:
            return None  # another epoch began: these may be void
        if self._newest == newest if not read else read[-1].seq >= self._newest:
            self._behind = False
        return self._handed(read)

    def _handed(self, entries: Sequence[Entry]) -> News | None:
        if not entries:
            return None
        self._at = entries[-1].seq
        return News(entries)

    def _fall_behind(self) -> None:
        """Forget what waits, but not that an epoch began: what comes first says what counts."""
        if self._at is None:
            self._at = next(news.entries[0].seq - 1 for news in self._queue if news.entries)
        heads = [news.head for news in self._queue if news.head is not None]
        self._queue.clear()
        self._behind = True
        self._waiting = 0
        if heads:
            counted = min(head.position.seq for head in heads)
            self._queue.append(News((), _moved(heads[-1], counted)))

    async def _read(self, at: int, limit: int) -> Sequence[Entry]:
        """Entries after `at`, up to an epoch that we were not told of yet.

        While the log cannot be reached, again and again.
        """
        while not self._closed:
            try:
                read = await self._owner.read(at, limit)
            except LogError:
                await asyncio.sleep(RETRY_S)
                continue
            lineage = self._owner.lineage
            if lineage is None:
                return read
            known = list(takewhile(lineage.holds, read))
            if known or not read:
                return known
            await self._woken.wait()
            self._woken.clear()
        return ()


def _moved(head: Head, seq: int) -> Head:
    return replace(head, position=Position(head.position.epoch, seq))
