"""When the next frame is due, on a clock that only goes forward.

Frame `n` is due at `start + n * interval`, so the frame rate does not drift. A source that is
late by more than one interval leaves frames out, as a camera does, instead of sending them in
a bunch; the numbers of those frames are never used.
"""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass
from typing import Protocol


class Clock(Protocol):
    """The two clocks of the machine, in seconds, and a way to wait. Tests have their own."""

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""
        ...

    def unix(self) -> float:
        """Seconds since 1970; may be set by the user."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The real clocks."""

    def monotonic(self) -> float:
        return time.monotonic()

    def unix(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Slot:
    """The next frame to make."""

    index: int
    due_s: float
    """When, on the monotonic clock."""
    wait_s: float
    """0 when it is due already."""


class Pace:
    """The schedule of one source of frames."""

    def __init__(self, start_s: float, interval_s: float) -> None:
        self.skipped = 0
        """Frames that were left out because the source was late."""
        self._start = start_s
        self._interval = interval_s
        self._next = 0

    def next(self, now_s: float) -> Slot:
        """Return the next frame's slot at the monotonic time `now_s`, and move on."""
        index = self._next
        late = now_s - self.due_s(index)
        if late > self._interval:
            missed = int(late / self._interval)
            self.skipped += missed
            index += missed
        self._next = index + 1
        due = self.due_s(index)
        return Slot(index, due, max(0.0, due - now_s))

    def resume(self, now_s: float) -> None:
        """Go on after a pause: what was due until now is neither made nor counted as skipped."""
        self._next = max(self._next, math.ceil((now_s - self._start) / self._interval))

    @property
    def upcoming(self) -> int:
        """The number of the next frame, if the source is not late for it."""
        return self._next

    def due_s(self, index: int) -> float:
        """When frame `index` is due, on the monotonic clock."""
        return self._start + index * self._interval
