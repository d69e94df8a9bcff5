"""What the chat of one running Sluice holds: made once, beside the other parts of the house."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from chat.entry import RoomId
from chat.hub import Hub
from chat.judge import Judge
from chat.log import LogError, RoomLog
from chat.settings import HubSettings
from chat.user_tokens import UserTokens
from sfu.engine import Engine
from sfu.rooms import Rooms
from signaling.chat_channels import ChatChannels
from signaling.chat_socket import ChatSockets
from signaling.data_channels import DataChannels
from signaling.intake import Intake
from sluice.auth import Gate, Grant
from sluice.channels import ChannelBook
from sluice.clock import Clock
from sluice.ids import ChannelId
from sluice.tasks import Tasks

TRIM_S: Final = 3_600.0

log = structlog.get_logger(__name__)


class ChatHouse:
    """Owns the hub, both transports and the log."""

    def __init__(
        self,
        *,
        history: RoomLog,
        judges: Callable[[RoomId], Judge],
        settings: HubSettings,
        tokens: UserTokens,
        guests: bool,
        keep_ms: int,
        origins: Sequence[str],
        public_url: str | None,
        book: ChannelBook,
        gate: Gate,
        intake: Intake,
        engine: Engine,
        rooms: Rooms,
        channels: DataChannels,
        clock: Clock,
    ) -> None:
        """`clock` is the one that media is placed on. `guests`: strangers may say something."""
        self.history = history
        self.tokens = tokens
        self.guests = guests
        self._keep_ms = keep_ms
        self.clock = clock
        self._book = book
        self._gate = gate
        self.hub = Hub(history, judges, self._open_to_readers, settings, clock)
        self.sockets = ChatSockets(self.hub, book, intake, clock, public_url, origins)
        self.channels = ChatChannels(self.hub, engine, rooms, channels)
        self._tasks = Tasks()

    def start(self) -> None:
        self.hub.start()
        self.sockets.start()
        self.channels.start()
        self._tasks.spawn(self._trim_forever(), "chat-trim")

    def begin_stop(self) -> None:
        """Send everybody away: the HTTP server waits for no socket."""
        self.hub.begin_stop()

    async def stop(self) -> None:
        await self._tasks.close()
        await self.hub.stop()
        await self.sockets.stop()
        await self.channels.stop()
        await self.history.close()

    def enforce(self) -> None:
        """Close the clients whose permission to read has ended."""
        self.hub.close_if(self._ended)

    async def drop(self, channel: ChannelId) -> None:
        """The channel is deleted, and its room with it."""
        await self.hub.close_room(RoomId(channel), "gone")
        try:
            await self.history.drop(RoomId(channel))
        except LogError as error:
            log.error(
                "a deleted channel's room is still in the log", room=channel, error=str(error)
            )

    async def trim(self) -> None:
        """Forget what is older than it is kept. A log that does not answer is asked next time."""
        before_ms = self.clock.wall_ms() - self._keep_ms
        for channel in self._book.all():
            try:
                await self.hub.trim(RoomId(channel.id), before_ms)
            except LogError as error:
                log.warning("a room was not trimmed", room=channel.id, error=str(error))

    async def _trim_forever(self) -> None:
        while True:
            await asyncio.sleep(TRIM_S)
            await self.trim()

    def _ended(self, room: RoomId, grant: Grant) -> bool:
        return not self._gate.still_holds(ChannelId(room), grant)

    def _open_to_readers(self, room: RoomId) -> Grant | None:
        channel = self._book.get(ChannelId(room))
        return Grant("public") if channel is not None and channel.access == "public" else None
