"""A recording that grows in a process with an uploader, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from recorder.records import Sealed
from recorder.store.plan import Health
from recorder.store.upload import Uploader
from sluice.clock import VirtualClock
from tests.recorder.store.growing import ID, Growing

if TYPE_CHECKING:
    from obstore.store import ObjectStore


class Live:
    """A recording that grows in a process with an uploader, and what that says."""

    def __init__(self, uploader: Uploader, clock: VirtualClock, recordings: Path) -> None:
        self.uploader = uploader
        self.clock = clock
        self.recordings = recordings
        self.healths: asyncio.Queue[Health] = asyncio.Queue()
        self._stored: set[tuple[str, int]] = set()
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    async def begin(self, recording: str = ID) -> Growing:
        folder = self.recordings / recording
        growing: Growing

        def stored(rendition: str, number: int) -> None:
            growing.stored(rendition, number)
            self._stored.add((rendition, number))
            task = asyncio.create_task(self._notify())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        await self.uploader.open(recording, folder, stored)
        growing = Growing(self.recordings, recording)
        return growing

    async def stored(self, *chunks: Sealed) -> None:
        """Wait until the store has these."""
        wanted = {(one.rendition, one.number) for one in chunks}
        async with self._changed:
            await self._changed.wait_for(lambda: wanted <= self._stored)

    async def failing(self, enough: Callable[[Health], bool] = lambda health: True) -> Health:
        """Wait for a failure like this."""
        while True:
            health = await self.healths.get()
            if enough(health):
                return health

    def pass_ms(self, ms: int) -> None:
        self.clock.advance(ms)
        self.uploader.wake()

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()


@asynccontextmanager
async def live(store: ObjectStore, recordings: Path) -> AsyncIterator[Live]:
    clock = VirtualClock(now_ms=0)
    told: list[Live] = []
    uploader = Uploader(
        store, clock=clock, seed=1, told=lambda health: told[0].healths.put_nowait(health)
    )
    told.append(Live(uploader, clock, recordings))
    uploader.start()
    try:
        yield told[0]
    finally:
        await uploader.stop()
