"""A clock that stands still until somebody sleeps."""

from __future__ import annotations

import asyncio


class VirtualClock:
    def __init__(self, unix: float = 1_790_000_000.0, monotonic: float = 100.0) -> None:
        self.wall = unix
        self.now = monotonic

    def monotonic(self) -> float:
        return self.now

    def unix(self) -> float:
        return self.wall

    async def sleep(self, seconds: float) -> None:
        self.pass_time(seconds)
        await asyncio.sleep(0)  # others get their turn, as with a real clock

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.wall += seconds
