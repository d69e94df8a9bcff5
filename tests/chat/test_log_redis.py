"""The log in a real Redis: as every log, alone and as a Cluster; several nodes; promotions."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import HealthCheck, given, settings

from chat.log import Hearts, LogError, RoomLog
from chat.log_redis import RedisLog
from chat.redis_keys import RoomKeys
from chat.redis_sequencer import NotHere
from chat.redis_settings import RedisSettings
from chat.redis_store import connect
from tests.chat.log_conformance import (
    GARDEN,
    TERRACE,
    LastingConformance,
    LogConformance,
    Reopen,
    closed_after,
    collect,
    draft,
    texts,
)
from tests.chat.log_erasing import ErasingConformance
from tests.chat.log_steps import Step, behaves_as_memory, steps
from tests.chat.redis_servers import RedisServer, redis_cluster, redis_server

pytestmark = pytest.mark.needs("redis-server")


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture(scope="module")
def cluster() -> Iterator[RedisServer]:
    with redis_cluster() as server:
        yield server


@pytest.fixture
def prefix() -> str:
    """Each test has keys of its own."""
    return secrets.token_hex(6)


def log_on(server: RedisServer, prefix: str, *, cluster: bool = False) -> RedisLog:
    return RedisLog(connect([server.url], cluster=cluster), RedisSettings(prefix=prefix))


class OnRedis(LastingConformance, ErasingConformance):
    cluster = False

    @pytest.fixture
    def redis(self, server: RedisServer) -> RedisServer:
        return server

    @pytest.fixture
    async def logs(self, redis: RedisServer, prefix: str) -> AsyncIterator[list[RoomLog]]:
        async with closed_after(log_on(redis, prefix, cluster=self.cluster)) as logs:
            yield logs

    @pytest.fixture
    def log(self, logs: list[RoomLog]) -> RoomLog:
        return logs[0]

    @pytest.fixture
    def reopen(self, logs: list[RoomLog], redis: RedisServer, prefix: str) -> Reopen:
        async def reopened() -> RoomLog:
            await logs.pop().close()
            logs.append(log_on(redis, prefix, cluster=self.cluster))
            return logs[0]

        return reopened


class TestOneRedis(OnRedis):
    pass


class TestCluster(OnRedis):
    cluster = True

    @pytest.fixture
    def redis(self, cluster: RedisServer) -> RedisServer:
        return cluster


class TestAnotherNodeNumbers(LogConformance, ErasingConformance):
    """All that every log does, by way of a node that has the lease of both rooms."""

    @pytest.fixture
    async def log(self, server: RedisServer, prefix: str) -> AsyncIterator[RoomLog]:
        async with two_nodes(server, prefix) as (_, follower):
            yield follower


@asynccontextmanager
async def two_nodes(server: RedisServer, prefix: str) -> AsyncIterator[tuple[RedisLog, RedisLog]]:
    """The first has the leases of the rooms."""
    leader, follower = log_on(server, prefix), log_on(server, prefix)
    async with closed_after(leader, follower):
        for room in (GARDEN, TERRACE):
            await leader.open(room)
            await follower.open(room)
        yield leader, follower


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps)
def test_it_does_what_the_log_in_memory_does(server: RedisServer, steps: list[Step]) -> None:
    async def run() -> None:
        async with closed_after(log_on(server, secrets.token_hex(6))) as [log]:
            await behaves_as_memory(log, GARDEN, steps)

    asyncio.run(run())


async def test_two_nodes_see_one_order(server: RedisServer, prefix: str) -> None:
    async with two_nodes(server, prefix) as nodes:
        followers = [node.follow(GARDEN) for node in nodes for _ in range(2)]
        await asyncio.gather(*(nodes[n % 2].append(GARDEN, [draft(f"{n}")]) for n in range(200)))
        got = [await collect(follower, 200) for follower in followers]
        assert got[0] == got[1] == got[2] == got[3]
        assert len(set(texts(got[0]))) == 200


async def test_a_key_counts_on_every_node(server: RedisServer, prefix: str) -> None:
    async with two_nodes(server, prefix) as (one, two):
        results = await asyncio.gather(
            *(node.append(GARDEN, [draft("a", key="kim:1")]) for node in (one, two) * 5)
        )
        assert {appended.seq for [appended] in results} == {1}
        assert sum(not appended.repeated for [appended] in results) == 1


async def test_a_node_that_leaves_hands_its_rooms_over(server: RedisServer, prefix: str) -> None:
    async with two_nodes(server, prefix) as (leader, follower):
        reading = follower.follow(GARDEN)
        old = await leader.open(GARDEN)
        await leader.append(GARDEN, [draft("a")])
        assert texts(await collect(reading, 1)) == ["a"]
        await leader.close()
        news = await anext(reading)
        assert news.head is not None
        assert news.head.position.seq == 1
        [end] = news.head.chain
        assert (end.epoch, end.last) == (old.position.epoch, 1)
        assert (await follower.append(GARDEN, [draft("b")]))[0].seq == 2
        assert texts(await collect(reading, 1)) == ["b"]


async def test_what_waits_for_a_node_that_died_is_taken_on_by_the_next(
    server: RedisServer, prefix: str
) -> None:
    brief = RedisSettings(prefix=prefix, lease_ms=400)
    dead = RedisLog(connect([server.url]), brief)
    await dead.open(GARDEN)
    await dead._tasks.close()  # it reads nothing any more, and its lease lapses
    async with closed_after(RedisLog(connect([server.url]), brief)) as [log]:
        head = await log.open(GARDEN)
        reading = log.follow(GARDEN)
        [appended] = await log.append(GARDEN, [draft("a")])
        news = await anext(reading)
        assert news.head is not None
        assert news.head.position.epoch != head.position.epoch
        assert appended.seq == 1
        with pytest.raises(NotHere):
            await dead._rooms[GARDEN].sequencer.append([draft("late")])
        assert texts(await log.after(GARDEN, 0, 9)) == ["a"]
    await dead.close()


async def test_who_lost_the_lease_appends_nothing(server: RedisServer, prefix: str) -> None:
    async with two_nodes(server, prefix) as (old, new):
        reading = old.follow(GARDEN)
        await old.append(GARDEN, [draft("a")])
        await collect(reading, 1)
        lease = old._rooms[GARDEN].keys.lease
        async with connect([server.url]) as direct:
            await direct.delete(lease)
        await new._rooms[GARDEN].sequencer.look()
        results = await asyncio.gather(*(old.append(GARDEN, [draft("b")]) for _ in range(3)))
        assert [one.seq for [one] in results] == [2, 3, 4], "the new one numbered them"
        epochs = {entry.epoch for entry in await new.after(GARDEN, 1, 9)}
        assert epochs == {(await new.open(GARDEN)).position.epoch}
        assert (await anext(reading)).head is not None


async def test_a_redis_that_forgot_everything_begins_anew(server: RedisServer, prefix: str) -> None:
    async with closed_after(log_on(server, prefix)) as [log]:
        reading = log.follow(GARDEN)
        await log.append(GARDEN, [draft("a"), draft("b")])
        await collect(reading, 2)
        async with connect([server.url]) as direct:
            await direct.flushall()
        assert (await log.append(GARDEN, [draft("c")]))[0].seq == 1
        news = await anext(reading)
        assert news.head is not None
        assert (news.head.position.seq, news.head.chain) == (0, ())
        assert texts(await collect(reading, 1)) == ["c"]


async def test_a_room_that_nobody_uses_is_let_go(server: RedisServer, prefix: str) -> None:
    brief = RedisSettings(prefix=prefix, idle_ms=0)
    async with closed_after(RedisLog(connect([server.url]), brief)) as [log]:
        assert isinstance(log, RedisLog)
        await log.append(GARDEN, [draft("a")])
        await log._tasks.settle()
        assert log._rooms == {}
        async with connect([server.url]) as direct:
            assert not await direct.exists(RoomKeys.of(GARDEN, prefix).lease)
        assert (await log.append(GARDEN, [draft("b")]))[0].seq == 2


async def test_a_room_that_is_followed_is_kept(server: RedisServer, prefix: str) -> None:
    brief = RedisSettings(prefix=prefix, idle_ms=0)
    async with closed_after(RedisLog(connect([server.url]), brief)) as [log]:
        follower = log.follow(GARDEN)
        for n in range(3):
            await log.append(GARDEN, [draft(f"{n}")])
            assert texts(await collect(follower, 1)) == [f"{n}"]


async def test_hearts_of_all_nodes_are_summed(server: RedisServer, prefix: str) -> None:
    async with two_nodes(server, prefix) as (one, two):
        await asyncio.gather(
            *(node.add_hearts(GARDEN, [Hearts(7, "heart", 2)]) for node in (one, two) * 5)
        )
        assert await two.hearts(GARDEN, 0, 60) == [Hearts(7, "heart", 20)]


async def test_a_redis_that_is_not_there_is_an_error_of_the_log() -> None:
    async with closed_after(RedisLog(connect(["redis://127.0.0.1:1"]))) as [log]:
        with pytest.raises(LogError):
            await log.open(GARDEN)
        with pytest.raises(LogError):
            await log.append(GARDEN, [draft()])


def test_replicas_are_not_waited_for_on_a_cluster() -> None:
    client = connect(["redis://127.0.0.1:1"], cluster=True)
    with pytest.raises(ValueError, match="Cluster"):
        RedisLog(client, RedisSettings(replicas=1))
