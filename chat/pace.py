"""How often a room sends: at once while it is quiet, in ticks when it is busy."""

from __future__ import annotations

from collections import deque
from typing import Final

WINDOW_MS: Final = 1_000
BUSY: Final = 20
"""Messages a second; above, a tick is BUSY_MS."""
BUSY_MS: Final = 50
CROWDED: Final = 500
CROWDED_MS: Final = 80


class Pace:
    """Counts the messages of the last second in steps, so that it costs the same at any rate."""

    _STEP_MS: Final = 50

    def __init__(self) -> None:
        self._steps: deque[tuple[int, int]] = deque()
        self._count = 0
        self._sent_ms: int | None = None

    def count(self, messages: int, now_ms: int) -> None:
        """So many came now."""
        step = now_ms // self._STEP_MS
        if self._steps and self._steps[-1][0] == step:
            messages_before = self._steps.pop()[1]
            self._steps.append((step, messages_before + messages))
        else:
            self._steps.append((step, messages))
        self._count += messages
        self._forget(now_ms)

    def rate(self, now_ms: int) -> int:
        """Messages in the last second."""
        self._forget(now_ms)
        return self._count

    def tick_ms(self, now_ms: int) -> int:
        rate = self.rate(now_ms)
        return 0 if rate <= BUSY else BUSY_MS if rate <= CROWDED else CROWDED_MS

    def wait_ms(self, now_ms: int, share: float = 1.0) -> int:
        """How long what is ready now has to wait for its tick, or for a share of one."""
        if self._sent_ms is None:
            return 0
        return max(0, self._sent_ms + int(self.tick_ms(now_ms) * share) - now_ms)

    def sent(self, now_ms: int) -> None:
        """A tick's load went out."""
        self._sent_ms = now_ms

    def _forget(self, now_ms: int) -> None:
        oldest = (now_ms - WINDOW_MS) // self._STEP_MS
        while self._steps and self._steps[0][0] <= oldest:
            self._count -= self._steps.popleft()[1]
