"""Those who watch jobs in this process: each gets the newest state of what changed.

A follower that is slow keeps no growing queue: of a job that changed several times, only the last
state waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from weakref import WeakSet

from recorder.jobs.job import Job


class Followers:
    """Of one queue. Who lets go of a follower need not close it. For one event loop."""

    def __init__(self) -> None:
        self._all: WeakSet[Follower] = WeakSet()
        self._closed = False

    def open(self) -> Follower:
        """One that hears of all changes from now on."""
        follower = Follower()
        if self._closed:
            follower.close()
        else:
            self._all.add(follower)
        return follower

    def put(self, jobs: Iterable[Job]) -> None:
        """These changed."""
        for job in jobs:
            for follower in list(self._all):
                follower.put(job)

    def close(self) -> None:
        """What waits can still be read; then they end."""
        self._closed = True
        for follower in list(self._all):
            follower.close()


class Follower(AsyncIterator[Job]):
    """One reader; made by `Followers.open`, read by one task."""

    def __init__(self) -> None:
        self._waiting: dict[int, Job] = {}
        self._closed = False
        self._woken = asyncio.Event()

    def put(self, job: Job) -> None:
        """Never waits."""
        # The last to change comes last.
        self._waiting.pop(job.id, None)
        self._waiting[job.id] = job
        self._woken.set()

    def close(self) -> None:
        self._closed = True
        self._woken.set()

    async def __anext__(self) -> Job:
        while not self._waiting:
            if self._closed:
                raise StopAsyncIteration
            self._woken.clear()
            await self._woken.wait()
        return self._waiting.pop(next(iter(self._waiting)))
