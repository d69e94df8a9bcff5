"""When a media plane counts as hung, and how long to wait before the next one is started.

Without I/O; driven by the time that passed.
"""

from __future__ import annotations

from typing import Final

SILENCE_S: Final = 4.0
"""Without a sign of life. To replace it costs every peer its connection, so a process that a
starved machine does not let run must not be taken for one that hangs."""
WORKERS_S: Final = 4.0
"""Without an answer of all media threads."""
START_S: Final = 30.0
"""From its start to its first word: a machine at its limit takes its time."""
LOOK_S: Final = 0.25
BACKOFF_S: Final = (0.0, 0.2, 0.5, 1.0, 2.0)
STEADY_S: Final = 30.0
"""A life of so long, and the next death counts as the first."""


class Pulse:
    """The signs of life of one process. `look` each `LOOK_S`."""

    def __init__(self) -> None:
        self._silent_s = 0.0
        self._limit_s = START_S
        self._workers_s = 0.0

    def started(self) -> None:
        """It said its first word."""
        self._silent_s, self._limit_s = 0.0, SILENCE_S

    def beat(self, workers_s: float) -> None:
        """A sign of life; so long ago all its media threads answered last."""
        self._silent_s, self._workers_s = 0.0, workers_s

    def look(self, passed_s: float) -> str | None:
        """So much time passed since the last look: what is wrong, or None.

        A look that came late counts as one in time: then we stood still, and perhaps nobody else.
        """
        self._silent_s += min(passed_s, 2 * LOOK_S)
        if self._silent_s >= self._limit_s:
            return f"it was silent for {self._silent_s:.1f} s"
        if self._workers_s >= WORKERS_S:
            return f"its media threads did not answer for {self._workers_s:.1f} s"
        return None


class Backoff:
    """Waits between lives."""

    def __init__(self) -> None:
        self._failures = 0

    def died(self, lived_s: float) -> float:
        """Seconds to wait before the next start."""
        if lived_s >= STEADY_S:
            self._failures = 0
        wait_s = BACKOFF_S[min(self._failures, len(BACKOFF_S) - 1)]
        self._failures += 1
        return wait_s
