"""Who takes the messages of peers' data channels: one taker for each label."""

from __future__ import annotations

from collections.abc import Callable

from sfu.engine import DataMessage
from sfu.rooms import Rooms
from sluice.ids import ChannelId

Taker = Callable[[ChannelId, DataMessage], None]


class DataChannels:
    """Hands each message that `Rooms` has to the taker of its label.

    What a taker raises is its own fault and reaches no other: messages come one at a time, and
    `Rooms` logs and counts it.
    """

    def __init__(self, rooms: Rooms) -> None:
        self._takers: dict[str, Taker] = {}
        self.unclaimed = 0
        """Messages with a label that nobody takes."""
        rooms.on_data = self.take

    def listen(self, label: str, taker: Taker) -> None:
        """Have `taker` called for every message with this label. One taker a label."""
        assert label not in self._takers, label
        self._takers[label] = taker

    def forget(self, label: str) -> None:
        """Nobody takes this label from now on."""
        self._takers.pop(label, None)

    def take(self, channel: ChannelId, message: DataMessage) -> None:
        taker = self._takers.get(message.label)
        if taker is None:
            self.unclaimed += 1
        else:
            taker(channel, message)
