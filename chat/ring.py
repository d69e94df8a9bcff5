"""A room's last batches. Every client is a place in here, so a slow one costs nothing more."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from chat.entry import Epoch
from chat.frame import Frame


@dataclass(frozen=True, slots=True)
class Slot:
    """What a tick brought, for each of the two audiences."""

    epoch: Epoch
    last: int
    """The number that a client has reached with it."""
    made_ms: int
    public: Frame
    staff: Frame
    """The same object as `public` where both get the same."""


class Ring:
    """Slots by ordinal number. Keeps what is younger than `most_ms` and within `most_bytes`."""

    def __init__(self, most_bytes: int, most_ms: int) -> None:
        self._most_bytes = most_bytes
        self._most_ms = most_ms
        self._slots: deque[Slot] = deque()
        self._bytes = 0
        self.start = 0
        """Ordinal of the oldest slot that is kept."""

    @property
    def end(self) -> int:
        """Ordinal of the next slot."""
        return self.start + len(self._slots)

    def put(self, slot: Slot) -> None:
        self._slots.append(slot)
        self._bytes += slot.staff.size
        self.expire(slot.made_ms)

    def expire(self, now_ms: int) -> None:
        """Forget what is too old or too much. The newest slot stays while it is young: one that
        is larger than the whole ring must still reach those who keep up."""
        slots = self._slots
        while slots and (
            now_ms - slots[0].made_ms > self._most_ms
            or (self._bytes > self._most_bytes and len(slots) > 1)
        ):
            self._bytes -= slots.popleft().staff.size
            self.start += 1

    def clear(self) -> None:
        """Forget all slots: who had not read them has a gap."""
        self.start = self.end
        self._slots.clear()
        self._bytes = 0

    def get(self, ordinal: int) -> Slot | None:
        """None: forgotten, or not there yet."""
        at = ordinal - self.start
        return self._slots[at] if 0 <= at < len(self._slots) else None
