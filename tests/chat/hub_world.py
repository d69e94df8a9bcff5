"""A small world for the hub's tests: real rooms on a log in memory, and lines that write down.

Nothing here waits for time to pass: `VirtualClock` stands still until it is turned, and a line
tells when a frame came.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from chat.client import Client
from chat.closing import Reason
from chat.entry import RoomId
from chat.frame import Frame
from chat.hub import Hub
from chat.log import RoomLog
from chat.log_memory import MemoryLog
from chat.moderation.settings import RoomSettings
from chat.people import Person, Role, UserId
from chat.room import Room
from chat.settings import HubSettings
from chat.tickets import Ticket
from sluice.auth import Grant
from sluice.clock import VirtualClock

ROOM = RoomId("live")
Told = dict[str, Any]


class ListLine:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.ready = True
        self.frames: list[Told] = []
        self.hearts: list[Told] = []
        self.closed: Reason | None = None
        self._read = 0
        self._came = asyncio.Event()

    def write(self, frame: Frame) -> None:
        assert self.ready
        self.frames += [json.loads(payload) for payload in frame.payloads]
        self._came.set()

    def write_hearts(self, frame: Frame) -> None:
        self.hearts += [json.loads(payload) for payload in frame.payloads]
        self._came.set()

    def close(self, reason: Reason, detail: str) -> None:
        self.closed = reason
        self._came.set()

    async def until(self, op: str) -> Told:
        """The next frame of this kind that was not read yet; what came before it is skipped."""
        async with asyncio.timeout(10):
            while True:
                while self._read < len(self.frames):
                    self._read += 1
                    if self.frames[self._read - 1]["op"] == op:
                        return self.frames[self._read - 1]
                self._came.clear()
                await self._came.wait()

    async def until_closed(self) -> Reason:
        async with asyncio.timeout(10):
            while self.closed is None:
                self._came.clear()
                await self._came.wait()
        return self.closed

    async def until_shown(self, seq: int) -> None:
        """Until a batch reached this number."""
        async with asyncio.timeout(10):
            while self.reached < seq:
                self._came.clear()
                await self._came.wait()

    async def something(self) -> None:
        """Until anything comes."""
        self._came.clear()
        await self._came.wait()

    @property
    def reached(self) -> int:
        return max((one["last"] for one in self.frames if one["op"] == "batch"), default=0)

    @property
    def items(self) -> list[Told]:
        """Everything that batches brought, in their order."""
        return [item for one in self.frames if one["op"] == "batch" for item in one["items"]]

    @property
    def texts(self) -> list[str]:
        return [item["text"] for item in self.items if item["kind"] == "message"]


class Guest:
    """A client of the hub, as a transport has it."""

    def __init__(self, world: HubWorld, address: str) -> None:
        self._world = world
        self._ids = itertools.count(1)
        self.line = ListLine()
        self.client: Client = world.hub.connect(self.line, ROOM, address)

    def send(self, op: str, **members: object) -> str:
        """A frame; its id."""
        id = f"{op}-{next(self._ids)}"
        frame = {"op": op, **({} if op in ("hello", "react") else {"id": id}), **members}
        self._world.hub.take(self.client, json.dumps(frame).encode())
        return id

    async def hello(self, **members: object) -> Told:
        self.send("hello", v=1, **members)
        return await self.line.until("welcome")

    async def say(self, text: str, **members: object) -> Told:
        """Say something and wait for the ack."""
        id = self.send("say", text=text, **members)
        while (ack := await self.line.until("ack"))["id"] != id:
            pass
        return ack

    def stall(self) -> None:
        self.line.ready = False

    def read_on(self) -> None:
        self.line.ready = True
        self.client.pump()

    def leave(self) -> None:
        self._world.hub.lost(self.client)


class HubWorld:
    """A hub with one public room, `live`."""

    def __init__(
        self, history: RoomLog, clock: VirtualClock, settings: HubSettings, rules: RoomSettings
    ) -> None:
        self.clock = clock
        self.history = history
        self.public = True
        self.hub = Hub(
            history,
            lambda room: Room(rules),
            lambda room: Grant("public") if self.public else None,
            settings,
            clock,
        )

    def guest(self, address: str = "192.0.2.1") -> Guest:
        return Guest(self, address)

    def ticket(
        self, name: str, *roles: Role, id: str = "", until_ms: int | None = None,
        grant: Grant | None = None,
    ) -> str:  # fmt: skip
        person = Person(UserId(id or name.lower()), name, frozenset(roles))
        ticket = Ticket(ROOM, person, grant or Grant("public"), until_ms)
        return self.hub.tickets.issue(ticket, self.clock.now_ms())

    async def reader(self, **members: object) -> Guest:
        guest = self.guest()
        await guest.hello(**members)
        return guest

    async def person(self, name: str, *roles: Role, **members: object) -> Guest:
        guest = self.guest()
        await guest.hello(ticket=self.ticket(name, *roles), **members)
        return guest


@asynccontextmanager
async def open_hub(
    history: RoomLog | None = None,
    settings: HubSettings | None = None,
    rules: RoomSettings | None = None,
) -> AsyncIterator[HubWorld]:
    """The hub's own timer does not run: tests call `second`."""
    kept = history or MemoryLog()
    world = HubWorld(kept, VirtualClock(), settings or HubSettings(), rules or RoomSettings())
    try:
        yield world
    finally:
        await world.hub.stop()
        await kept.close()
