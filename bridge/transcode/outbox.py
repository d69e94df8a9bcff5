"""What waits for the transcode process, bounded: it never makes the media plane wait.

Sans I/O. When it is full, pictures are left out up to the next keyframe; sound goes on.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from bridge.transcode.wire import ToChild, Unit

MOST_BYTES: Final = 8 << 20
MOST_UNITS: Final = 600
"""Some four seconds of picture and sound."""


class Outbox:
    """First in, first out."""

    def __init__(self) -> None:
        self._waiting: deque[ToChild] = deque()
        self._bytes = 0
        self._until_keyframe = False
        self.dropped = 0
        """Units that were left out."""

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, message: ToChild) -> bool:
        """False: pictures were left out, and only a keyframe helps."""
        if not isinstance(message, Unit):
            self._waiting.append(message)
            return True
        picture = not message.codec.is_audio
        if picture and self._until_keyframe and not message.keyframe:
            self.dropped += 1
            return False
        if self._full():
            self._leave_out()
            if self._full():
                self.dropped += 1
                return True
            if picture and not message.keyframe:
                self.dropped += 1
                return False
        if picture:
            self._until_keyframe = False
        self._waiting.append(message)
        self._bytes += len(message.payload)
        return True

    def take(self) -> list[ToChild]:
        """All that waits."""
        taken = list(self._waiting)
        self._waiting.clear()
        self._bytes = 0
        return taken

    def begin_anew(self) -> None:
        """What waited was for a process that is no more; the next picture is a keyframe."""
        self.dropped += sum(isinstance(message, Unit) for message in self._waiting)
        self.take()
        self._until_keyframe = True

    def _full(self) -> bool:
        return self._bytes >= MOST_BYTES or len(self._waiting) >= MOST_UNITS

    def _leave_out(self) -> None:
        kept = [one for one in self._waiting if not isinstance(one, Unit) or one.codec.is_audio]
        self.dropped += len(self._waiting) - len(kept)
        self._waiting = deque(kept)
        self._bytes = sum(len(one.payload) for one in kept if isinstance(one, Unit))
        self._until_keyframe = True
