"""The queue of a reader of access units, between what fills it and who reads it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence

from sluice.media import AccessUnit


class QueueTap:
    """Implements `sfu.engine.Tap`. What is not fetched in time is lost, oldest first."""

    def __init__(self, limit: int, close: Callable[[], None]) -> None:
        self._units: deque[AccessUnit] = deque()
        self._limit = limit
        self._close: Callable[[], None] | None = close
        self._arrived = asyncio.Event()
        self._dropped_before = 0
        self._dropped_here = 0

    @property
    def dropped(self) -> int:
        return self._dropped_before + self._dropped_here

    @property
    def limit(self) -> int:
        """Units that may wait."""
        return self._limit

    def feed(self, units: Sequence[AccessUnit], dropped_before: int) -> None:
        """Take units in; `dropped_before` counts those that were lost on their way here."""
        self._dropped_before = dropped_before
        self._units.extend(units)
        while len(self._units) > self._limit:
            self._units.popleft()
            self._dropped_here += 1
        self._arrived.set()

    def change_source(self) -> None:
        """What fills it from now on counts its losses from 0."""
        self._dropped_here += self._dropped_before
        self._dropped_before = 0

    async def __aiter__(self) -> AsyncIterator[Sequence[AccessUnit]]:
        while True:
            if self._units:
                batch = list(self._units)
                self._units.clear()
                yield batch
            elif self._close is None:
                return
            else:
                self._arrived.clear()
                await self._arrived.wait()

    def close(self) -> None:
        close, self._close = self._close, None
        if close is not None:
            close()
        self._arrived.set()
