"""Time as an argument: the system's clock, and one that tests turn by hand."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Two kinds of time in milliseconds. Deadlines use `now_ms`, which never jumps."""

    def now_ms(self) -> int:
        """Monotonic time; its zero means nothing."""
        ...

    def wall_ms(self) -> int:
        """Milliseconds since the Unix epoch."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000


class SteadyClock:
    """Server time: the wall clock as it stood at the start, and what passed since then.

    Media is placed on it. When the machine's clock is set, streams must not notice.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._zero_ms = clock.wall_ms() - clock.now_ms()

    def now_ms(self) -> int:
        return self._clock.now_ms()

    def wall_ms(self) -> int:
        return self._zero_ms + self._clock.now_ms()


class VirtualClock:
    """Stands still until `advance` is called."""

    def __init__(self, now_ms: int = 1_000_000, wall_ms: int = 1_790_000_000_000) -> None:
        self._now_ms = now_ms
        self._wall_ms = wall_ms

    def now_ms(self) -> int:
        return self._now_ms

    def wall_ms(self) -> int:
        return self._wall_ms

    def advance(self, ms: int) -> None:
        """Let `ms` milliseconds pass on both clocks."""
        self._now_ms += ms
        self._wall_ms += ms

    def jump_wall(self, ms: int) -> None:
        """Set the wall clock, as NTP or an operator does; monotonic time does not move."""
        self._wall_ms += ms
