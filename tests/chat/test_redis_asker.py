"""Asking another node: in order, together, and never for ever. On a real Redis."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest

from chat.log import Appended, LogError
from chat.redis_asker import Asker
from chat.redis_keys import RoomKeys
from chat.redis_records import read_fields, read_request
from chat.redis_settings import RedisSettings
from chat.redis_store import Store, connect
from sluice.clock import SystemClock
from tests.chat.log_conformance import GARDEN, draft
from tests.chat.redis_servers import RedisServer, redis_server

pytestmark = pytest.mark.needs("redis-server")


@dataclass(slots=True)
class World:
    asker: Asker
    store: Store
    keys: RoomKeys

    async def requests(self, count: int) -> list[tuple[str, list[str]]]:
        """The first so many of the inbox: names, and texts of drafts."""
        found: list[tuple[str, list[str]]] = []
        at = "0-0"
        while len(found) < count:
            read = await self.store.read({self.keys.inbox: at}, 9, 1_000)
            for raw in read.get(self.keys.inbox, ()):
                at, fields = read_fields(raw)
                drafts = read_request(fields["d"])[1]
                texts = [one.body[9:-2].decode() for one in drafts]
                found.append((fields["r"].decode(), texts))
        return found


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture
async def world(server: RedisServer) -> AsyncIterator[World]:
    store = Store(connect([server.url]))
    keys = RoomKeys.of(GARDEN, secrets.token_hex(6))
    settings = RedisSettings(deadline_ms=1_500)
    yield World(Asker(store, keys, settings, SystemClock()), store, keys)
    await store.close()


async def test_what_is_asked_meanwhile_goes_together_and_in_order(world: World) -> None:
    calls = [asyncio.create_task(world.asker.ask([draft(f"{n}")])) for n in range(4)]
    calls.append(asyncio.create_task(world.asker.ask([draft("4"), draft("5")])))
    [(first, texts)] = await world.requests(1)
    assert texts == ["0", "1", "2", "3", "4", "5"]
    done = [Appended(seq, 0, repeated=False) for seq in range(11, 17)]
    world.asker.replied(first, done)
    assert [[one.seq for one in await call] for call in calls] == [[11], [12], [13], [14], [15, 16]]
    assert len(world.asker) == 0


async def test_a_reply_to_somebody_else_is_passed_over(world: World) -> None:
    world.asker.replied("other", [Appended(1, 0, repeated=False)])
    assert len(world.asker) == 0


async def test_without_a_reply_nobody_knows(world: World) -> None:
    with pytest.raises(LogError) as unknown:
        await world.asker.ask([draft()])
    assert unknown.value.maybe
    assert len(world.asker) == 0
    assert world.asker._sent == {}


async def test_a_call_that_is_cancelled_leaves_nothing_behind(world: World) -> None:
    calls = [asyncio.create_task(world.asker.ask([draft(f"{n}")])) for n in range(2)]
    [(name, _)] = await world.requests(1)
    calls[0].cancel()
    await asyncio.wait(calls[:1])
    world.asker.replied(name, [Appended(seq, 0, repeated=False) for seq in (1, 2)])
    assert [one.seq for one in await calls[1]] == [2]
    assert world.asker._sent == {}


async def test_a_redis_that_is_gone_fails_the_call() -> None:
    with redis_server() as gone:
        url = gone.url
    store = Store(connect([url]))
    asker = Asker(store, RoomKeys.of(GARDEN, "x"), RedisSettings(), SystemClock())
    with pytest.raises(LogError):
        await asker.ask([draft()])
    await store.close()
