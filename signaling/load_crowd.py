"""The viewers of one load client at one server: they come at a rate, and leave one by one."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from signaling.load_client import LoadClient, LoadReport
from signaling.load_door import AT_ONCE, PATIENCE_S, Clock, Door, LoadFailed, Refused


@dataclass(slots=True)
class Crowd:
    """Publishers and viewers, inside of `async with door`."""

    load: LoadClient
    door: Door
    clock: Clock
    viewers: list[int] = field(default_factory=list)
    """Those that were let in and did not leave, in the order of their coming."""
    refused: Counter[str] = field(default_factory=Counter)
    """Joins that failed, by their reason."""

    async def publish(self) -> None:
        """Start the publishers and wait until they send. Raises LoadFailed."""
        publishers = await self.door.publish(self.load)

        def connected(report: LoadReport) -> bool:
            return all(report.publishers[number].connected for number in publishers)

        report = await self.until(connected)
        for number in publishers:
            if not (state := report.publishers[number]).connected:
                raise LoadFailed(f"the publisher did not connect: {state.error or 'no answer'}")

    async def join(
        self, viewers: int, rate: float, progress: Callable[[int], None] = lambda done: None
    ) -> None:
        """Let `viewers` come, `rate` a second, and wait until all that were let in are connected.

        Raises LoadFailed when nobody was let in.
        """
        start, done = self.clock.now(), 0
        free = asyncio.Semaphore(AT_ONCE)

        async def join_one() -> None:
            nonlocal done
            try:
                await self.come()
            finally:
                free.release()
                done += 1
                progress(done)

        async with asyncio.TaskGroup() as joins:
            for number in range(viewers):
                await self.clock.sleep(start + number / rate - self.clock.now())
                await free.acquire()
                joins.create_task(join_one())
        if not self.viewers:
            raise LoadFailed(f"no viewer joined: {dict(self.refused)}")
        await self.until(lambda report: report.connected + report.closed >= len(self.viewers))

    async def come(self) -> None:
        """One more viewer; a refusal is counted."""
        try:
            self.viewers.append(await self.door.join(self.load))
        except Refused as refusal:
            self.refused[str(refusal)] += 1

    async def go(self) -> None:
        """The viewer that has been there longest, if any, ends its media and its session."""
        if not self.viewers:
            return
        viewer = self.viewers.pop(0)
        await asyncio.to_thread(self.load.remove, viewer)
        await self.door.leave(viewer)

    async def disperse(self) -> None:
        """All go."""
        while self.viewers:
            await asyncio.gather(*(self.go() for _ in range(min(AT_ONCE, len(self.viewers)))))

    async def report(self) -> LoadReport:
        return await asyncio.to_thread(self.load.report)

    async def until(self, holds: Callable[[LoadReport], bool]) -> LoadReport:
        """The first report for which it holds, or the last one when patience ends."""
        deadline = self.clock.now() + PATIENCE_S
        while True:
            report = await self.report()
            if holds(report) or self.clock.now() >= deadline:
                return report
            await self.clock.sleep(0.02)
