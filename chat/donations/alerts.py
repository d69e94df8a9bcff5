"""Where the outbox puts what rooms must be told."""

from __future__ import annotations

from typing import Protocol

from chat.entry import Draft, RoomId
from chat.log import RoomLog


class Alerts(Protocol):
    """The rooms. Called again with the same key until it returns once."""

    async def raise_alert(self, channel: str, draft: Draft) -> None:
        """Append the draft; its key makes it happen once. Raises LogError."""
        ...


class LogAlerts:
    """Straight into the log, whoever numbers it."""

    def __init__(self, log: RoomLog) -> None:
        self._log = log
        self._opened: set[RoomId] = set()

    async def raise_alert(self, channel: str, draft: Draft) -> None:
        room = RoomId(channel)
        if room not in self._opened:
            await self._log.open(room)
            self._opened.add(room)
        await self._log.append(room, [draft])
