"""A replica is promoted in the middle of a conversation: one order for all, losses declared."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from chat.entry import Entry
from chat.log import Head, RoomLog
from chat.log_redis import RedisLog
from chat.redis_settings import RedisSettings
from tests.chat.log_conformance import GARDEN, closed_after, texts
from tests.chat.log_witness import Client, Witness
from tests.chat.redis_servers import Pair, redis_pair

pytestmark = pytest.mark.needs("redis-server")

BRIEF = RedisSettings(lease_ms=900, deadline_ms=2_000)
LAST = "the end"


@dataclass(slots=True)
class World:
    """Three nodes with four clients each on a primary and its replica."""

    pair: Pair
    nodes: list[RoomLog]
    clients: list[Client]
    witness: Witness
    reading: list[asyncio.Task[None]]

    def write(self, name: str, count: int) -> list[asyncio.Task[None]]:
        """Two writers on each node."""
        return [
            asyncio.create_task(
                self.witness.write(node, [f"{name} {number}.{n}" for n in range(count)])
            )
            for number, node in enumerate(self.nodes * 2)
        ]

    async def end(self) -> list[Entry]:
        """The room, when every client has seen all of it. It is the same for all."""
        await self.witness.write(self.nodes[0], [LAST])
        await asyncio.gather(*self.reading)
        final = list(await self.nodes[1].after(GARDEN, 0, 100_000))
        assert all(client.entries == final for client in self.clients)
        return final

    async def seen_by_all(self, count: int) -> None:
        """Until every client has so many entries."""
        await self.witness.until(
            lambda: all(len(client.entries) >= count for client in self.clients)
        )

    async def head(self) -> Head:
        return await self.nodes[1].open(GARDEN)


@asynccontextmanager
async def world(settings: RedisSettings = BRIEF) -> AsyncIterator[World]:
    async with redis_pair() as pair:
        nodes: list[RoomLog] = [RedisLog(pair.client(), settings) for _ in range(3)]
        async with closed_after(*nodes):
            witness = Witness()
            heads = [await node.open(GARDEN) for node in nodes]
            await pair.in_step()
            clients = [
                Client(witness, node.follow(GARDEN), head)
                for node, head in zip(nodes, heads, strict=True)
                for _ in range(4)
            ]
            reading = [asyncio.create_task(client.follow(LAST)) for client in clients]
            yield World(pair, nodes, clients, witness, reading)
            for task in reading:
                task.cancel()


async def test_clients_of_all_nodes_agree_when_the_primary_dies() -> None:
    async with world() as world_:
        writing = world_.write("message", 60)
        await world_.witness.until_acknowledged(120)
        await world_.pair.promote()
        await asyncio.gather(*writing)
        final = await world_.end()
        head = await world_.head()
        assert head.chain, "an epoch began"
        lost = world_.witness.lost(final)
        assert all(seq > head.chain[0].last for seq in lost.values()), "the chain declares them"
        assert len(final) + len(lost) == 361


async def test_what_the_replica_did_not_get_is_taken_back() -> None:
    async with world() as world_:
        await asyncio.gather(*world_.write("kept", 5))
        await world_.pair.in_step()
        kept = (await world_.head()).position.seq
        await world_.pair.line.cut()
        await asyncio.gather(*world_.write("lost", 5))
        await world_.seen_by_all(60)
        await world_.pair.promote()
        await asyncio.gather(*world_.write("after", 5))
        final = await world_.end()
        lost = world_.witness.lost(final)
        assert sorted(lost) == sorted(f"lost {number}.{n}" for number in range(6) for n in range(5))
        assert (await world_.head()).chain[0].last == kept == 30
        for client in world_.clients:
            assert sorted(texts(client.retracted)) == sorted(lost), "and nothing else"


async def test_of_a_room_that_the_replica_never_heard_of_everything_is_taken_back() -> None:
    async with redis_pair() as pair:
        await pair.line.cut()
        async with closed_after(RedisLog(pair.client(), BRIEF)) as [log]:
            witness = Witness()
            client = Client(witness, log.follow(GARDEN), await log.open(GARDEN))
            reading = asyncio.create_task(client.follow("b"))
            await witness.write(log, ["a"])
            await witness.until(lambda: len(client.entries) == 1)
            await pair.promote()
            await witness.write(log, ["b"])
            await reading
            assert texts(client.entries) == ["b"]
            assert texts(client.retracted) == ["a"]
            assert client.heads[-1].position.seq == 0
            assert client.heads[-1].chain == ()


async def test_confirmed_by_the_replica_nothing_acknowledged_is_lost() -> None:
    sure = RedisSettings(lease_ms=900, deadline_ms=2_000, replicas=1, confirm_ms=200)
    async with world(sure) as world_:
        await asyncio.gather(*world_.write("kept", 5))
        await world_.pair.line.cut()
        writing = world_.write("again", 5)
        await world_.seen_by_all(31)  # shown already, but not acknowledged
        assert len(world_.witness.acknowledged) == 30
        await world_.pair.promote()
        await world_.pair.give_replica()
        await asyncio.gather(*writing)
        final = await world_.end()
        assert world_.witness.lost(final) == {}
        assert len(final) == 61


async def test_who_writes_to_a_primary_that_is_none_any_more_writes_nothing() -> None:
    """The old one lives on and does not know: what it acknowledges is void, and is said to be."""
    async with redis_pair() as pair:
        old, new = (RedisLog(pair.client(), BRIEF) for _ in range(2))
        async with closed_after(old, new):
            witness = Witness()
            client = Client(witness, old.follow(GARDEN), await old.open(GARDEN))
            await witness.write(old, ["a"])
            reading = asyncio.create_task(client.follow("z"))
            await pair.in_step()
            await pair.line.cut()
            await pair.promote(kill=False)
            await new.open(GARDEN)
            other = Client(witness, new.follow(GARDEN), await new.open(GARDEN))
            other.entries += await new.after(GARDEN, 0, 9)
            await asyncio.gather(witness.write(old, ["b"]), witness.write(new, ["c"]))
            assert witness.acknowledged == {"a": 1, "b": 2, "c": 2}
            await asyncio.to_thread(pair.primary.kill)
            await asyncio.gather(witness.write(old, ["z"]), reading, other.follow("z"))
            assert texts(client.entries) == texts(other.entries) == ["a", "c", "z"]
            assert texts(client.retracted) == ["b"]
