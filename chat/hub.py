"""All rooms of this machine and all clients in them, whatever they came by.

A transport calls `connect`, then `take` for each frame and `lost` in the end; it calls
`Client.pump` when it can take more. Once a second, `second` looks at the clock.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable
from typing import Final

import structlog

from chat import erasing
from chat.client import Allowance, Client, Line
from chat.closing import Reason
from chat.counts import Counts
from chat.entry import Draft, RoomId
from chat.frame import Frame
from chat.full import Full
from chat.intake import Intake
from chat.judge import Judge
from chat.live_room import LiveRoom
from chat.log import Appended, LogError, RoomLog
from chat.settings import HubSettings
from chat.tickets import Tickets
from sluice.auth import Grant
from sluice.clock import Clock
from sluice.tasks import Tasks

log = structlog.get_logger(__name__)

_SECOND_S: Final = 1.0


class Hub:
    """Used from the event loop's thread only."""

    def __init__(
        self,
        history: RoomLog,
        judges: Callable[[RoomId], Judge],
        open_to_readers: Callable[[RoomId], Grant | None],
        settings: HubSettings,
        clock: Clock,
    ) -> None:
        """`open_to_readers`: what lets somebody without a ticket read a room; None: nothing."""
        self.counts = Counts()
        self.tickets = Tickets()
        self._history = history
        self._judges = judges
        self.open_to_readers = open_to_readers
        self.settings = settings
        self.clock = clock
        self._clients: dict[Client, RoomId] = {}
        self._rooms: dict[RoomId, LiveRoom] = {}
        self._opening: dict[RoomId, asyncio.Lock] = {}
        self._by_address: Counter[str] = Counter()
        self._numbers = itertools.count(1)
        self._tasks = Tasks()
        self._intake = Intake(self, self._tasks)
        self._stopping = False

    def start(self) -> None:
        self._tasks.spawn(self._tick_forever(), "chat-second")

    def begin_stop(self) -> None:
        """Send everybody away, to come back soon. Takes nobody from now on."""
        self._stopping = True
        for client in list(self._clients):
            self.close(client, "restart")

    async def stop(self) -> None:
        """Close all rooms. The log is closed by its owner."""
        self.begin_stop()
        await self._tasks.close()
        for room in list(self._rooms):
            await self.close_room(room, "restart")

    # --- transports

    def connect(self, line: Line, room: RoomId, address: str) -> Client:
        """A connection, before its `hello`. Raises Full."""
        settings = self.settings
        if self._stopping:
            raise Full("stopping")
        if len(self._clients) >= settings.connections:
            raise Full("all")
        if self._by_address[address] >= settings.per_address:
            raise Full("address")
        now_ms = self.clock.now_ms()
        client = Client(
            line,
            f"c{next(self._numbers)}",
            address,
            Allowance(settings.frame_rate, settings.frame_burst, now_ms),
            Allowance(settings.reaction_rate, settings.reaction_burst, now_ms),
            Allowance(settings.fetch_rate, settings.fetch_burst, now_ms),
            now_ms,
        )
        self._clients[client] = room
        self._by_address[address] += 1
        return client

    def lost(self, client: Client) -> None:
        """The connection is over, whoever ended it. Idempotent."""
        room = self._clients.pop(client, None)
        if room is None:
            return
        if not client.closed:
            self.counts.closed["left"] += 1
        client.end()
        self._by_address[client.address] -= 1
        if self._by_address[client.address] <= 0:
            del self._by_address[client.address]
        found = self._rooms.get(room)
        if found is not None:
            found.leave(client)

    def take(self, client: Client, payload: bytes) -> None:
        """A frame. What is wrong with it is the client's to know."""
        self._intake.take(client, payload)

    def room_of(self, client: Client) -> RoomId | None:
        """Where it connected to; None once it is lost."""
        return self._clients.get(client)

    def open_room(self, client: Client) -> LiveRoom | None:
        where = self._clients.get(client)
        return None if where is None else self._rooms.get(where)

    def close(self, client: Client, reason: Reason, detail: str = "") -> None:
        """Send a client away. Idempotent; the transport reports it lost later."""
        if not client.closed:
            self.counts.closed[reason] += 1
            client.close(reason, detail)

    def tell(self, client: Client, told: Frame) -> None:
        """An answer for one client; one that lets too many wait is closed."""
        if not client.tell(told, self.settings.own_bytes):
            self.close(client, "slow")

    # --- for the front door

    async def room(self, room: RoomId) -> LiveRoom:
        """Open, if it is not. Raises LogError; Full where too many are open."""
        found = self._rooms.get(room)
        if found is not None:
            return found
        lock = self._opening.setdefault(room, asyncio.Lock())
        async with lock:
            found = self._rooms.get(room)
            if found is not None:
                return found
            if self._stopping:
                raise Full("stopping")
            if len(self._rooms) >= self.settings.rooms:
                raise Full("rooms")
            opened = LiveRoom(
                room, self._history, self._judges(room), self.settings, self.clock, self.counts
            )
            await opened.open()
            self._rooms[room] = opened
            self._opening.pop(room, None)
            return opened

    async def append(self, room: RoomId, draft: Draft) -> Appended:
        """An entry of the server's own, such as an alert. Raises LogError and Full."""
        opened = await self.room(room)
        future: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()

        def done(appended: Appended | None) -> None:
            if future.done():
                return
            if appended is None:
                future.set_exception(LogError("the log did not answer", maybe=True))
            else:
                future.set_result(appended)

        if not opened.make((draft,), done):
            raise LogError("the room has too much to do")
        return await future

    async def close_room(self, room: RoomId, reason: Reason) -> None:
        """Close its clients and forget it; what is in the log stays."""
        for client in [one for one, where in self._clients.items() if where == room]:
            self.close(client, reason)
        opened = self._rooms.pop(room, None)
        if opened is not None:
            await opened.close(reason)

    async def trim(self, room: RoomId, before_ms: int) -> None:
        """Forget entries from before. Raises LogError."""
        await self._history.trim(room, before_ms)
        opened = self._rooms.get(room)
        if opened is not None:
            await opened.look_back()

    async def erase(self, room: RoomId, since_ms: int, until_ms: int) -> int:
        """Take what people wrote with since <= t_show < until out of the log, and out of the
        memory of all processes; how many entries. Again is harmless. Raises LogError."""

        async def heard(seq: int) -> None:
            opened = self._rooms.get(room)
            if opened is not None:
                await opened.hear(seq)

        now_ms = self.clock.wall_ms()
        return await erasing.erase(self._history, room, since_ms, until_ms, now_ms, heard)

    def close_if(self, ended: Callable[[RoomId, Grant], bool]) -> None:
        """Close the clients whose permission to read is gone."""
        for client, room in list(self._clients.items()):
            if client.grant is not None and ended(room, client.grant):
                self.close(client, "ended")

    async def second(self) -> None:
        """What time brings about, once a second."""
        now_ms, settings = self.clock.now_ms(), self.settings
        for client in list(self._clients):
            if not client.greeted and now_ms - client.connected_ms >= settings.hello_ms:
                self.close(client, "no-hello")
            elif client.until_ms is not None and now_ms >= client.until_ms:
                self.close(client, "ended")
            elif client.stuck(now_ms) >= settings.stuck_ms:
                self.close(client, "slow")
        for name, room in list(self._rooms.items()):
            if not room.clients and now_ms - room.empty_since_ms >= settings.idle_ms:
                await self.close_room(name, "busy")
            else:
                await room.second()
        self.counts.connections = len(self._clients)
        self.counts.rooms = len(self._rooms)
        self.counts.people = sum(len(room.clients) for room in self._rooms.values())

    # --- inside

    async def _tick_forever(self) -> None:
        while True:
            await asyncio.sleep(_SECOND_S)
            try:
                await self.second()
            except Exception:
                # One odd room must not stop the clock of all others.
                log.exception("the hub's second failed; it is tried again")
