"""One sequencer on a real Redis: batches, doubts, and the lease."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass

import pytest
from redis.asyncio import Redis

from chat.log import LogError
from chat.redis_keys import RoomKeys
from chat.redis_script import APPEND, Script
from chat.redis_sequencer import WAITING_DRAFTS, NotHere, Sequencer
from chat.redis_settings import RedisSettings
from chat.redis_store import Argument, Store, connect
from tests.chat.log_conformance import GARDEN, T0, draft
from tests.chat.redis_servers import RedisServer, redis_server

pytestmark = pytest.mark.needs("redis-server")


class LossyStore(Store):
    """A real one; the answers to some appends are lost on the way."""

    lose = 0

    async def run(
        self, script: Script, keys: Sequence[str], arguments: Sequence[Argument]
    ) -> object:
        answer = await super().run(script, keys, arguments)
        if script is APPEND and self.lose:
            self.lose -= 1
            raise LogError("the answer was lost", maybe=True)
        return answer


@dataclass(slots=True)
class World:
    store: LossyStore
    keys: RoomKeys
    direct: Redis

    def node(self, name: str) -> Sequencer:
        return Sequencer(self.store, self.keys, name, RedisSettings())

    async def chain(self, sequencer: Sequencer) -> list[int]:
        view = await sequencer.look()
        return [] if view.head is None else [end.last for end in view.head.chain]


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture
async def world(server: RedisServer) -> AsyncIterator[World]:
    store = LossyStore(connect([server.url]))
    async with Redis(port=server.port) as direct:
        yield World(store, RoomKeys.of(GARDEN, secrets.token_hex(6)), direct)
    await store.close()


async def test_only_who_has_the_lease_numbers(world: World) -> None:
    one, two = world.node("one"), world.node("two")
    assert (await one.look()).whose == "mine"
    assert (await two.look()).whose == "taken"
    assert [sequencer.leads for sequencer in (one, two)] == [True, False]
    with pytest.raises(NotHere):
        await two.append([draft()])


async def test_what_comes_meanwhile_makes_up_the_next_batch(world: World) -> None:
    one = world.node("one")
    await one.look()
    calls = await asyncio.gather(*(one.append([draft(f"{n}")]) for n in range(300)))
    assert [call[0].seq for call in calls] == list(range(1, 301))
    assert await world.direct.xlen(world.keys.log) <= 4, "a mark, and few batches"


async def test_after_a_lost_answer_an_epoch_begins(world: World) -> None:
    one = world.node("one")
    await one.look()
    await one.append([draft("a")])
    world.store.lose = 1
    with pytest.raises(LogError) as lost:
        await one.append([draft("b", key="kim:1")])
    assert lost.value.maybe
    [again] = await one.append([draft("b", key="kim:1")])
    assert (again.seq, again.repeated) == (2, True), "it had been appended"
    assert await world.chain(one) == [2]


@pytest.mark.parametrize("noticed_by", ["append", "look"])
async def test_numbers_that_went_back_begin_an_epoch(world: World, noticed_by: str) -> None:
    """As after a promotion: state and log are as they were a moment ago."""
    one = world.node("one")
    await one.look()
    await one.append([draft("a")])
    kept = {key: await world.direct.dump(key) for key in (world.keys.state, world.keys.log)}
    await one.append([draft("lost")])
    for key, value in kept.items():
        assert value is not None
        await world.direct.restore(key, 0, value, replace=True)
    if noticed_by == "look":
        assert await world.chain(one) == [1]
    assert (await one.append([draft("b")]))[0].seq == 2
    assert await world.chain(one) == [1]


async def test_taking_a_room_at_once_from_many_places_begins_one_epoch(world: World) -> None:
    one = world.node("one")
    await one.look()
    world.store.lose = 1
    with pytest.raises(LogError):
        await one.append([draft("a")])
    await asyncio.gather(*(one.look() for _ in range(5)), one.append([draft("b")]))
    assert await world.chain(one) == [1]


async def test_a_room_that_lost_its_state_is_a_new_room(world: World) -> None:
    one = world.node("one")
    await one.look()
    await one.append([draft("a", kind="ban", key="kim:1")])
    await world.direct.delete(world.keys.state)
    with pytest.raises(NotHere):
        await one.append([draft("b")])
    assert await world.chain(one) == []
    assert (await one.append([draft("b", kind="ban", key="kim:1")]))[0].seq == 1


async def test_an_old_epoch_appends_nothing(world: World) -> None:
    one, two = world.node("one"), world.node("two")
    await one.look()
    await world.direct.delete(world.keys.lease)
    await two.look()
    with pytest.raises(NotHere):
        await one.append([draft("late")])
    assert not one.leads
    assert (await two.append([draft()]))[0].seq == 1


async def test_a_lease_that_is_let_go_is_free_at_once(world: World) -> None:
    one, two = world.node("one"), world.node("two")
    await one.look()
    appending = asyncio.create_task(one.append([draft("a")]))
    await asyncio.sleep(0)
    await one.release()
    assert (await appending)[0].seq == 1, "what was begun is finished"
    assert (await two.look()).whose == "mine"
    assert await world.chain(two) == [1]


async def test_a_request_of_an_earlier_term_is_read_again(world: World) -> None:
    one = world.node("one")
    await one.look()
    assert not one.request([draft()], "r", "9-0", one.term - 1)
    assert one.inbox == "0-0"
    assert one.request([draft()], "r", "9-0", one.term)
    assert one.inbox == "9-0"
    await one.append([draft()])
    assert await world.direct.hget(world.keys.state, "inbox") == b"9-0"
    assert await world.direct.xlen(world.keys.replies) == 1


async def test_what_waits_is_bounded(world: World) -> None:
    one = world.node("one")
    await one.look()
    many = [draft(t_recv=T0) for _ in range(WAITING_DRAFTS + 1)]
    appending = asyncio.create_task(one.append(many))
    await asyncio.sleep(0)
    with pytest.raises(LogError):
        await one.append([draft()])
    assert not one.request([draft()], "r", "9-0", one.term)
    assert len(await appending) == WAITING_DRAFTS + 1
