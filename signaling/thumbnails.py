"""The picture of any second of a recording, made when it is asked for the first time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from recorder.jobs.outputs import DERIVED
from recorder.jobs.queue import JobQueue
from recorder.work.task import Spec
from sluice.errors import Problem

STEP_MS: Final = 1_000
MOST: Final = 600
"""Pictures of one recording. They are kept, and any stranger may ask for them."""
WAIT_S: Final = 10.0
PRIORITY: Final = 5
MOST_WAITING: Final = 16


def place_ms(at_ms: int, length_ms: int) -> int:
    """The moment whose picture stands for this one: its second, or coarser where there are more
    seconds than pictures."""
    step_ms = STEP_MS * max(1, -(-length_ms // (MOST * STEP_MS)))
    return at_ms // step_ms * step_ms


class Thumbnails:
    """Asks the queue, and waits for what it makes."""

    def __init__(self, queue: JobQueue, folder: Path) -> None:
        self._queue = queue
        self._folder = folder
        self._waiting = 0

    async def at(self, vod: str, at_ms: int) -> Path:
        """The file. Raises Problem, and QueueDown."""
        if self._waiting >= MOST_WAITING:
            raise Problem("busy", "Many pictures are being made.", retry_after_s=2)
        self._waiting += 1
        try:
            async with asyncio.timeout(WAIT_S):
                return await self._made(vod, at_ms)
        except TimeoutError:
            raise Problem("late", "The picture is not made yet.", retry_after_s=2) from None
        finally:
            self._waiting -= 1

    async def _made(self, vod: str, at_ms: int) -> Path:
        changes = self._queue.changes()  # before it is submitted, or its end could be missed
        job = await self._queue.submit(Spec("poster", vod, {"at_ms": at_ms}), priority=PRIORITY)
        if not job.settled:
            async for changed in changes:
                if changed.key == job.key and changed.settled:
                    job = changed
                    break
        if job.state != "done":
            raise Problem("media-unknown", "There is no picture at this moment.")
        return self._folder / vod / DERIVED / job.key / "poster.jpg"
