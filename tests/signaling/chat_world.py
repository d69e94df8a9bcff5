"""A chat house under the real uvicorn, on a free port: for tests of the socket, and the bench.

The front door's other routes are not there; the channels are.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette

from chat.log import RoomLog
from chat.log_memory import MemoryLog
from chat.moderation.settings import RoomSettings
from chat.people import Person, Role, UserId
from chat.room import Room
from chat.settings import HubSettings
from chat.tickets import Ticket
from chat.user_tokens import UserTokens
from sfu.fake import FakeEngine
from sfu.rooms import Rooms
from signaling.chat_house import ChatHouse
from signaling.chat_socket import protocol_class
from signaling.data_channels import DataChannels
from signaling.intake import Intake
from sluice.auth import Gate, Grant, ViewerTokens, hash_secret
from sluice.channels import ChannelBook
from sluice.clock import Clock, SystemClock
from sluice.config import Settings
from sluice.ids import ChannelId
from sluice.storage import Access, Store
from tests.chat.hub_world import ROOM


class ChatWorld:
    """A channel `live`, an engine without media, and a chat house."""

    def __init__(
        self,
        folder: Path,
        *,
        clock: Clock | None = None,
        history: RoomLog | None = None,
        settings: HubSettings | None = None,
        rules: RoomSettings | None = None,
        origins: Sequence[str] = (),
        guests: bool = True,
        **sections: object,
    ) -> None:
        tree: dict[str, Any] = {"storage": {"path": folder}, **sections}
        self.settings = Settings(**tree)
        self.clock = clock or SystemClock()
        self.store = Store(folder)
        self.book = ChannelBook(self.store, self.clock, 100)
        self.tokens = ViewerTokens(b"v" * 32)
        self.gate = Gate(self.book, self.tokens, hash_secret("admin"), self.clock)
        self.intake = Intake(self.settings.server, self.settings.limits, self.clock)
        self.engine = FakeEngine()
        self.rooms = Rooms(self.engine, self.clock)
        self.chat = ChatHouse(
            history=history or MemoryLog(),
            judges=lambda room: Room(rules or RoomSettings()),
            settings=settings or HubSettings(),
            tokens=UserTokens(b"u" * 32),
            guests=guests,
            keep_ms=86_400_000,
            origins=origins,
            public_url=self.settings.server.public_url,
            book=self.book,
            gate=self.gate,
            intake=self.intake,
            engine=self.engine,
            rooms=self.rooms,
            channels=DataChannels(self.rooms),
            clock=self.clock,
        )
        self.keys: dict[str, str] = {}
        self.port = 0

    async def add_channel(self, name: str = "live", access: Access = "public") -> None:
        _, self.keys[name] = await self.book.create(ChannelId(name), name.title(), access)

    def url(self, channel: str = "live") -> str:
        return f"ws://127.0.0.1:{self.port}/chat/{channel}"

    def ticket(self, name: str, *roles: Role) -> str:
        person = Person(UserId(name.lower()), name, frozenset(roles))
        ticket = Ticket(ROOM, person, Grant("public"), None)
        return self.chat.hub.tickets.issue(ticket, self.clock.now_ms())

    async def open(self) -> None:
        await self.engine.start()
        self.rooms.start()
        self.chat.start()
        await self.add_channel()

    async def close(self) -> None:
        await self.chat.stop()
        await self.engine.stop()
        await self.rooms.stop()
        await asyncio.to_thread(self.store.close)


@asynccontextmanager
async def serving(world: ChatWorld) -> AsyncIterator[ChatWorld]:
    """With its WebSocket on a port of uvicorn's."""
    config = uvicorn.Config(
        Starlette(),
        host="127.0.0.1",
        port=0,
        http="httptools",
        ws=protocol_class(world.chat.sockets),
        lifespan="off",
        log_config=None,
        access_log=False,
    )
    server = _Quiet(config)
    await world.open()
    task = asyncio.create_task(server.serve())
    try:
        await server.ready.wait()
        world.port = server.servers[0].sockets[0].getsockname()[1]
        yield world
    finally:
        world.chat.begin_stop()
        server.should_exit = True
        await task
        await world.close()


class _Quiet(uvicorn.Server):
    """Tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.ready.set()
