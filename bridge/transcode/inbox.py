"""What came and was not done yet, with the time it came at: that is how the process sees its lag.

One thread puts, another takes. It is bounded; then `put` waits, the socket fills up, and the
parent leaves units out by itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition
from typing import Final

from bridge.transcode.wire import ToChild, Unit

MOST_BYTES: Final = 16 << 20
MOST_MESSAGES: Final = 2_000


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message and when it came, in milliseconds."""

    since_ms: int
    message: ToChild

    @property
    def size(self) -> int:
        return len(self.message.payload) if isinstance(self.message, Unit) else 0

    @property
    def picture(self) -> Unit | None:
        message = self.message
        return message if isinstance(message, Unit) and not message.codec.is_audio else None


class Inbox:
    """First in, first out."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._waiting: deque[Waiting] = deque()
        self._bytes = 0
        self._changed = Condition()
        self._closed = False

    def put(self, message: ToChild) -> None:
        """Waits while it is full."""
        with self._changed:
            while not self._closed and self._full():
                self._changed.wait()
            one = Waiting(self._now_ms(), message)
            self._waiting.append(one)
            self._bytes += one.size
            self._changed.notify_all()

    def close(self) -> None:
        """Nothing more comes; what waits can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def take(self, timeout_s: float) -> Waiting | None:
        """The oldest; None when nothing came in this time. Raises EOFError after the last."""
        with self._changed:
            if not self._waiting and not self._closed:
                self._changed.wait(timeout_s)
            if not self._waiting:
                if self._closed:
                    raise EOFError
                return None
            one = self._waiting.popleft()
            self._bytes -= one.size
            self._changed.notify_all()
            return one

    def catch_up(self) -> int:
        """Leave out pictures up to the last keyframe that waits, or all; returns how many."""
        with self._changed:
            keyframes = [
                number
                for number, one in enumerate(self._waiting)
                if one.picture is not None and one.picture.keyframe
            ]
            until = keyframes[-1] if keyframes else len(self._waiting)
            kept = [
                one
                for number, one in enumerate(self._waiting)
                if number >= until or one.picture is None
            ]
            dropped = len(self._waiting) - len(kept)
            self._waiting = deque(kept)
            self._bytes = sum(one.size for one in kept)
            self._changed.notify_all()
            return dropped

    def _full(self) -> bool:
        return self._bytes >= MOST_BYTES or len(self._waiting) >= MOST_MESSAGES
