"""A room's log, read without holes: what it tells, and what it may have forgotten to tell."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final

import structlog

from chat.counts import Counts
from chat.entry import Entry, RoomId
from chat.log import Head, LogError, News, RoomLog

log = structlog.get_logger(__name__)

_PAGE: Final = 1_000
AGAIN_S: Final = 1.0
"""After it lost its way, the log is followed anew so soon."""


class Follower:
    """`begin`, then set `heard`, then `run`."""

    def __init__(
        self,
        room: RoomId,
        history: RoomLog,
        take: Callable[[Sequence[Entry]], None],
        take_over: Callable[[Head], Awaitable[int]],
        counts: Counts,
        again_s: float = AGAIN_S,
    ) -> None:
        """`take` gets the next entries, each once; `take_over` a new head, and says which number
        is the last that counts."""
        self.heard = 0
        """The last number that was taken."""
        self._room = room
        self._history = history
        self._take = take
        self._take_over = take_over
        self._counts = counts
        self._again_s = again_s
        self._news: AsyncIterator[News]
        self._coming: asyncio.Future[News | None]

    async def begin(self) -> None:
        """From here on nothing is missed; what comes waits for `run`."""
        self._open()
        await asyncio.sleep(0)  # a generator begins to follow with its first step

    def end(self) -> None:
        self._coming.cancel()

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                try:
                    news = await self._coming
                    if news is None:
                        raise LogError("it ended")
                    self._coming = asyncio.ensure_future(anext(self._news, None))
                    await self._hear(news)
                except LogError as error:
                    self._counts.log_failures += 1
                    log.warning("the log cannot be followed", room=self._room, error=str(error))
                    await self._begin_again()
                except Exception:
                    # One odd entry must not end the room: what can be read of it is read again.
                    log.exception("news were not taken", room=self._room)
                    await self._begin_again()
        finally:
            self.end()

    async def _begin_again(self) -> None:
        """Follow anew, and read all that was missed."""
        while True:
            self.end()
            await asyncio.sleep(self._again_s)
            await self.begin()
            try:
                await self._catch_up()
            except LogError:
                self._counts.log_failures += 1
            else:
                return

    def _open(self) -> None:
        self._news = self._history.follow(self._room)
        self._coming = asyncio.ensure_future(anext(self._news, None))

    async def _hear(self, news: News) -> None:
        """A new head, or entries, filled up where some are missing."""
        if news.head is not None:
            self.heard = await self._take_over(news.head)
            await self._catch_up()
        if news.entries and news.entries[0].seq > self.heard + 1:
            await self._catch_up()
        self._hand_on(news.entries)

    async def _catch_up(self) -> None:
        while True:
            entries = await self._history.after(self._room, self.heard, _PAGE)
            self._hand_on(entries)
            if len(entries) < _PAGE:
                return

    def _hand_on(self, entries: Sequence[Entry]) -> None:
        fresh = [one for one in entries if one.seq > self.heard]
        if fresh:
            self.heard = fresh[-1].seq
            self._take(fresh)
