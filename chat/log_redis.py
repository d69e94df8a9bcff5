"""The log in Redis, for several servers in front of one room.

One node at a time numbers a room (`redis_sequencer.py`): the one that has its lease. The others
hand it what they have, by the room's inbox. Every node reads along (`redis_tail.py`).

What this promises, and what not: two followers never see two entries under one epoch and number.
When a replica is promoted that had not got everything, an epoch begins that counts from what it
has; the chain says so, and what is beyond it is void, acknowledged or not. `replicas` makes that
loss as small as one wants it, for a round trip more.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Collection, Sequence
from itertools import islice, takewhile
from typing import Final

from chat.entry import Draft, Entry, RoomId
from chat.followers import Followers
from chat.log import Appended, Head, Hearts, LogError, News
from chat.redis_asker import Asker
from chat.redis_eraser import Eraser
from chat.redis_keys import RoomKeys
from chat.redis_records import read_record, read_records
from chat.redis_script import ADD_HEARTS, AFTER, BEFORE, BETWEEN, DROP, HEARTS, TRIM, Script
from chat.redis_sequencer import NotHere, Sequencer
from chat.redis_settings import RedisSettings
from chat.redis_store import Argument, Client, Store
from chat.redis_tail import Tail, Troubles
from sluice.clock import Clock, SystemClock
from sluice.tasks import Tasks

PAGE: Final = 1_000
TRIM_TRIES: Final = 20
"""Between two looks, an entry may come that is to be kept."""


class _Room:
    """A room that this node uses."""

    def __init__(self, name: RoomId, log: RedisLog) -> None:
        self.keys = RoomKeys.of(name, log.settings.prefix)
        self.followers = Followers(lambda seq, limit: log.after(name, seq, limit))
        self.sequencer = Sequencer(log.store, self.keys, log.node, log.settings)
        self.asker = Asker(log.store, self.keys, log.settings, log.clock)
        self.tail = Tail(
            log.store,
            self.keys,
            self.sequencer,
            self.asker,
            self.followers,
            log.settings,
            log.clock,
            log.troubles,
        )
        self.opening = asyncio.Lock()
        self.reading: asyncio.Task[None] | None = None


class RedisLog:
    """A RoomLog. The client is closed with it. Raises ValueError for settings that cannot be."""

    def __init__(
        self,
        client: Client,
        settings: RedisSettings | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.settings = settings or RedisSettings()
        self.store = Store(client)
        if self.settings.replicas and self.store.is_cluster:
            raise ValueError("On a Cluster, replicas cannot be waited for.")
        self.clock = clock or SystemClock()
        self.node = secrets.token_urlsafe(9)
        self.troubles = Troubles(self.clock)
        self._rooms: dict[RoomId, _Room] = {}
        self._tasks = Tasks()
        self._closed = False

    async def open(self, room: RoomId) -> Head:
        opened = self._named(room)
        async with opened.opening:
            head = await opened.tail.begin()
            if opened.reading is None:
                reading = self._read_along(room, opened)
                opened.reading = self._tasks.spawn(reading, f"chat of {room}")
        return head

    async def append(self, room: RoomId, drafts: Sequence[Draft]) -> Sequence[Appended]:
        opened = await self._opened(room)
        if not drafts:
            return []
        try:
            return await opened.sequencer.append(drafts)
        except NotHere:
            return await opened.asker.ask(drafts)

    def follow(self, room: RoomId) -> AsyncIterator[News]:
        opened = self._named(room)
        return opened.followers.open(opened.tail.at)

    async def after(self, room: RoomId, seq: int, limit: int) -> Sequence[Entry]:
        found = await self._find(AFTER, room, (seq, limit))
        return list(islice((entry for entry in found if entry.seq > seq), max(0, limit)))

    async def before(self, room: RoomId, t_show: int, limit: int) -> Sequence[Entry]:
        found = await self._find(BEFORE, room, (t_show, limit))
        shown = [entry for entry in found if entry.t_show <= t_show]
        return shown[max(0, len(shown) - max(0, limit)) :]

    async def between(
        self, room: RoomId, since_ms: int, until_ms: int, limit: int
    ) -> Sequence[Entry]:
        found = await self._find(BETWEEN, room, (since_ms, limit))
        since = (entry for entry in found if entry.t_show >= since_ms)
        wanted = takewhile(lambda entry: entry.t_show < until_ms, since)
        return list(islice(wanted, max(0, limit)))

    async def acts(self, room: RoomId) -> Sequence[Entry]:
        opened = await self._opened(room)
        acts: list[Entry] = []
        after = "0-0"
        while page := await self.store.range(opened.keys.acts, after, PAGE):
            records = [read_record(raw) for raw in page]
            acts += [entry for record in records for entry in record.entries]
            after = records[-1].id
        return acts

    async def add_hearts(self, room: RoomId, hearts: Sequence[Hearts]) -> None:
        keys = (await self._opened(room)).keys
        arguments: list[Argument] = [keys.hearts]
        for one in hearts:
            arguments += (one.second, one.kind, one.count)
        await self.store.run(ADD_HEARTS, (keys.minutes,), arguments)

    async def hearts(self, room: RoomId, since_s: int, until_s: int) -> Sequence[Hearts]:
        keys = (await self._opened(room)).keys
        arguments = (keys.hearts, since_s // 60, until_s // 60)
        found = await self.store.run(HEARTS, (keys.minutes,), arguments)
        parts = [part.decode() for part in found if isinstance(part, bytes)] if isinstance(
            found, list
        ) else []  # fmt: skip
        totals = []
        for field, count in zip(parts[::2], parts[1::2], strict=True):
            second, _, kind = field.partition(" ")
            if since_s <= int(second) < until_s:
                totals.append(Hearts(int(second), kind, int(count)))
        return sorted(totals, key=lambda one: (one.second, one.kind))

    async def trim(self, room: RoomId, before_ms: int) -> int:
        keys = (await self._opened(room)).keys
        for _ in range(TRIM_TRIES):
            kept: Argument = next(
                (one.seq for one in await self.between(room, before_ms, 2**62, 1)), ""
            )
            arguments = (before_ms, keys.hearts, kept)
            names = (keys.state, keys.log, keys.minutes, keys.rest)
            trimmed = await self.store.run(TRIM, names, arguments)
            if isinstance(trimmed, int) and trimmed >= 0:
                return trimmed
        raise LogError("The room moves too fast to be trimmed now.")

    async def erase(
        self, room: RoomId, since_ms: int, until_ms: int, also: Collection[int] = ()
    ) -> int:
        keys = (await self._opened(room)).keys
        return await Eraser(self.store, keys).erase(since_ms, until_ms, also, await self.acts(room))

    async def drop(self, room: RoomId) -> None:
        """Other nodes that follow the room get a head without numbers, and should close it."""
        dropped = self._rooms.pop(room, None)
        if dropped is not None:
            await self._end(dropped)
        keys = RoomKeys.of(room, self.settings.prefix)
        everything = (
            keys.minutes, keys.state, keys.lease, keys.log, keys.acts, keys.rest, keys.inbox,
            keys.replies, keys.lasting,
        )  # fmt: skip
        await self.store.run(DROP, everything, (keys.hearts,))

    async def close(self) -> None:
        """Hand the rooms over to other nodes."""
        self._closed = True
        for room in self._rooms.values():
            await self._end(room)
            try:
                await room.sequencer.release()
            except LogError as error:  # the lease lapses by itself
                self.troubles.met(error)
        await self._tasks.close()
        await self.store.close()

    async def _read_along(self, name: RoomId, room: _Room) -> None:
        await room.tail.run()
        if self._rooms.get(name) is room and not self._closed:  # nobody uses it any more
            del self._rooms[name]
            try:
                await room.sequencer.release()
            except LogError as error:
                self.troubles.met(error)

    async def _end(self, room: _Room) -> None:
        room.tail.end()
        if room.reading is not None:
            room.reading.cancel()
            await asyncio.wait([room.reading])
        room.followers.close()

    def _named(self, room: RoomId) -> _Room:
        if self._closed:
            raise LogError("The log is closed.")
        if room not in self._rooms:
            self._rooms[room] = _Room(room, self)
        self._rooms[room].tail.used()
        return self._rooms[room]

    async def _opened(self, room: RoomId) -> _Room:
        opened = self._named(room)
        if opened.reading is None:
            await self.open(room)
        return opened

    async def _find(
        self, script: Script, room: RoomId, arguments: tuple[int, int]
    ) -> Sequence[Entry]:
        keys = (await self._opened(room)).keys
        names = (keys.state, keys.log, keys.rest)
        return read_records(await self.store.run(script, names, arguments))
