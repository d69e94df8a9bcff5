"""One measuring run: join viewers at a rate, watch them for a while, leave."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from signaling.load_client import LoadClient
from signaling.load_crowd import Crowd
from signaling.load_door import Clock, Door, MonotonicClock
from signaling.load_result import LoadResult, Window
from signaling.process_meter import ProcessMeter, Usage

STEP_S = 0.25

Progress = Callable[[str, int, int], None]
"""Told the phase (`join` or `watch`), what is done and what there is to do."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many viewers, how fast, and for how long they are watched."""

    viewers: int
    rate: float
    """Joins a second."""
    seconds: float
    """Length of the measuring window, from when all have joined."""


@dataclass(slots=True)
class LoadRun:
    """Joins the load client's peers through a door, and measures."""

    plan: Plan
    load: LoadClient
    door: Door
    meter: ProcessMeter | None = None
    clock: Clock = field(default_factory=MonotonicClock)
    progress: Progress = lambda phase, done, total: None

    async def measure(self) -> LoadResult:
        """Run the plan. Raises LoadFailed, or ProcessGone when the server dies meanwhile.

        The load client is stopped and the sessions are ended, however it goes.
        """
        crowd = Crowd(self.load, self.door, self.clock)
        viewers = self.plan.viewers
        async with self.door:
            try:
                await crowd.publish()
                idle = self._usage()
                await crowd.join(
                    viewers, self.plan.rate, lambda done: self.progress("join", done, viewers)
                )
                window = await self._watch(crowd, idle)
            finally:
                await asyncio.to_thread(self.load.stop)
        refused = dict(crowd.refused + self.door.unended)
        return LoadResult.of(viewers, len(crowd.viewers), refused, window)

    async def _watch(self, crowd: Crowd, idle: Usage | None) -> Window:
        await asyncio.to_thread(self.load.reset_latency)
        before, used_before = await crowd.report(), self._usage()
        start = self.clock.now()
        end = start + self.plan.seconds
        while (now := self.clock.now()) < end:
            self.progress("watch", int((now - start) * 1000), int(self.plan.seconds * 1000))
            await self.clock.sleep(min(STEP_S, end - now))
        after, used_after = await crowd.report(), self._usage()
        return Window(
            seconds=self.clock.now() - start,
            before=before,
            after=after,
            idle=idle,
            used_before=used_before,
            used_after=used_after,
        )

    def _usage(self) -> Usage | None:
        return self.meter.read() if self.meter else None
