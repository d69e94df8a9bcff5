"""Sound that waits for the caption process: bounded, so that a slow engine costs words and
nothing else.

Only a few seconds are on their way to the process at a time; the rest waits here, where the
oldest of it can still be left out. Much is left out at once: one long hole takes fewer words in
its middle than many short ones. Pure.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from recorder.captions.wire import LONGEST, Begin, Flush, Part

MOST_MS: Final = 6_000
"""Of waiting sound; then the oldest is left out. With more, an engine that is a little too slow
would be so far behind for ever that all of its words come too late to be shown (live.py)."""
KEPT_MS: Final = 2_000
"""So much stays."""
FLYING_MS: Final = 2_000
"""With the process, at most, and not answered."""
OVERHEAD: Final = 256
"""Bytes of a message around its sound."""


class Backlog:
    """First in, first out."""

    def __init__(self) -> None:
        self._init = b""
        self._waiting: deque[tuple[bytes, Part | Flush]] = deque()
        """Each behind its init segment."""
        self._flying: deque[Part | Flush] = deque()
        self._known: bytes | None = None
        """The init segment that the process has."""
        self._number = 0
        self.skipped_ms = 0
        """Sound that was never heard."""

    @property
    def flying(self) -> bool:
        """The process owes an answer."""
        return bool(self._flying)

    @property
    def behind_ms(self) -> int:
        """Sound that was put in and not answered."""
        return self._waiting_ms + sum(one.length_ms for one in self._flying)

    def begin(self, init: bytes) -> None:
        """What is put in from now on is behind this init segment."""
        self._init = init

    def put(self, time_ms: int, length_ms: int, data: bytes) -> None:
        """A part of the rendition."""
        if not self._init or max(len(data), len(self._init)) + OVERHEAD > LONGEST:
            self.skipped_ms += length_ms
            return
        self._add(Part(self._next(), time_ms, length_ms, data))
        if self._waiting_ms > MOST_MS:
            self._leave_out()

    def flush(self) -> int:
        """Ask for all words. Returns the number whose answer says that they are there."""
        self._add(Flush(self._next()))
        return self._number

    def take(self) -> Begin | Part | Flush | None:
        """What to send next; None: nothing now."""
        if not self._waiting or sum(one.length_ms for one in self._flying) > FLYING_MS:
            return None
        init, message = self._waiting[0]
        if isinstance(message, Part) and self._known != init:
            self._known = init
            return Begin(init)
        self._waiting.popleft()
        self._flying.append(message)
        return message

    def answered(self, number: int) -> None:
        """The process is done with everything up to this number."""
        while self._flying and self._flying[0].number <= number:
            self._flying.popleft()

    def begin_anew(self) -> None:
        """The process is no more. What it had may have been its death, so it is not sent again."""
        self.skipped_ms += sum(one.length_ms for one in self._flying)
        asked = [(b"", one) for one in self._flying if isinstance(one, Flush)]
        self._waiting.extendleft(reversed(asked))
        self._flying.clear()
        self._known = None

    def clear(self) -> None:
        """There will be no process any more."""
        self.begin_anew()
        self.skipped_ms += self._waiting_ms
        self._waiting.clear()

    @property
    def _waiting_ms(self) -> int:
        return sum(one.length_ms for _, one in self._waiting)

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _add(self, message: Part | Flush) -> None:
        self._waiting.append((self._init, message))

    def _leave_out(self) -> None:
        kept: deque[tuple[bytes, Part | Flush]] = deque()
        room_ms = KEPT_MS
        for init, message in reversed(self._waiting):
            room_ms -= message.length_ms
            if room_ms >= 0 or isinstance(message, Flush):
                kept.appendleft((init, message))
            else:
                self.skipped_ms += message.length_ms
        self._waiting = kept
