"""A lock for a table of locks."""

from __future__ import annotations

import asyncio


class CountedLock:
    """A lock that knows whether anybody holds or wants it, so that its table can shrink."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._users = 0

    @property
    def idle(self) -> bool:
        return self._users == 0

    async def __aenter__(self) -> None:
        self._users += 1
        try:
            await self._lock.acquire()
        except BaseException:
            self._users -= 1
            raise

    async def __aexit__(self, *_: object) -> None:
        self._users -= 1
        self._lock.release()
