"""Introduces the recorder's deletions to the rooms: what was said goes with its recording."""

from __future__ import annotations

import structlog

from chat.entry import RoomId
from chat.hub import Hub
from chat.log import LogError
from recorder.deletion import TalkRemains

log = structlog.get_logger(__name__)


class RoomErasure:
    """The `Talk` of recorder/deletion.py."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def erase(self, channel: str, since_ms: int, until_ms: int) -> int:
        try:
            entries = await self._hub.erase(RoomId(channel), since_ms, until_ms)
        except LogError as error:
            raise TalkRemains(str(error)) from error
        if entries:
            log.info("what was said was erased", room=channel, entries=entries,
                     since_ms=since_ms, until_ms=until_ms)  # fmt: skip
        return entries
