"""When to make fewer rungs, and when to make them again.

Sans I/O: it is told how long units wait, and says what to do. A rung that was restored and had
to be shed again waits twice as long the next time.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

BEHIND_MS: Final = 500
PATIENCE_MS: Final = 2_000
"""Behind for so long: one rung less."""
EASE_MS: Final = 30_000
"""At ease for so long: one rung more."""
LONGEST_EASE_MS: Final = 960_000
AT_EASE_MS: Final = 150
TOO_FAR_MS: Final = 1_500
"""Farther behind, pictures are left out up to the next keyframe."""


class Step(Enum):
    SHED = auto()
    RESTORE = auto()


class Overload:
    """One process's lag, over time."""

    def __init__(self) -> None:
        self._behind_since: int | None = None
        self._ease_since: int | None = None
        self._restored_ms: int | None = None
        self._wait_ms = EASE_MS

    def observe(self, now_ms: int, waited_ms: int) -> Step | None:
        """A unit was begun after it had waited so long."""
        self._ease_since = (self._ease_since or now_ms) if waited_ms <= AT_EASE_MS else None
        if waited_ms <= BEHIND_MS:
            self._behind_since = None
        elif self._behind_since is None:
            self._behind_since = now_ms
        if self._behind_since is not None and now_ms - self._behind_since >= PATIENCE_MS:
            return self._shed(now_ms)
        if self._ease_since is not None and now_ms - self._ease_since >= self._wait_ms:
            self._ease_since, self._restored_ms = now_ms, now_ms
            return Step.RESTORE
        return None

    def _shed(self, now_ms: int) -> Step:
        self._behind_since = now_ms
        if self._restored_ms is not None and now_ms - self._restored_ms < self._wait_ms:
            self._wait_ms = min(LONGEST_EASE_MS, 2 * self._wait_ms)
        self._restored_ms = None
        return Step.SHED
