"""How Redis is reached: alone, by Sentinel, as a Cluster; and what becomes of its errors."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from redis.asyncio import Redis, RedisCluster

from chat.log import LogError
from chat.redis_script import Script
from chat.redis_store import Store, connect
from tests.chat.redis_servers import RedisServer, redis_server, redis_with_sentinel

pytestmark = pytest.mark.needs("redis-server")

ECHO = Script.of("return {KEYS[1], ARGV[1]}")
WRITE = Script.of("return redis.call('SET', KEYS[1], ARGV[1])")


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


def test_addresses_that_make_no_sense_are_refused() -> None:
    for urls in ([], ["redis://a", "redis://b"]):
        with pytest.raises(ValueError, match="Sentinel"):
            connect(urls)


def test_nothing_is_ever_sent_twice() -> None:
    one, many = connect(["redis://a"]), connect(["redis://a"], cluster=True)
    assert isinstance(one, Redis)
    assert one.connection_pool.connection_kwargs["retry"].get_retries() == 0
    assert isinstance(many, RedisCluster)
    assert many.retry.get_retries() == 0


async def test_a_script_runs_where_it_is_not_known(server: RedisServer) -> None:
    store = Store(connect([server.url]))
    async with Redis(port=server.port) as direct:
        await direct.script_flush()
    for replicas in (0, 1):
        answer, confirmed = await store.run_confirmed(ECHO, ["k"], ["v"], replicas, 10)
        assert (answer, confirmed) == ([b"k", b"v"], 0)
        async with Redis(port=server.port) as direct:
            await direct.script_flush()
    assert await store.run(ECHO, ["k"], ["v"]) == [b"k", b"v"]
    await store.close()


async def test_an_error_tells_whether_something_may_have_happened(server: RedisServer) -> None:
    store = Store(connect([server.url]))
    with pytest.raises(LogError) as failed:
        await store.run(Script.of("return nonsense()"), [], [])
    assert failed.value.maybe
    with redis_server("--replicaof", f"127.0.0.1 {server.port}") as replica:
        only_read = Store(connect([replica.url]))
        with pytest.raises(LogError) as refused:
            await only_read.run(WRITE, ["k"], ["v"])
        assert not refused.value.maybe
        await only_read.close()
    await store.close()


async def test_waiting_ends_with_what_comes(server: RedisServer) -> None:
    store = Store(connect([server.url]))
    waiting = asyncio.create_task(store.read({"{a}:one": "0-0", "{a}:two": "0-0"}, 9, 1_000))
    await store.add("{a}:two", {"x": b"1"}, 10)
    assert list(await waiting) == ["{a}:two"]
    assert await store.read({"{a}:one": "0-0"}, 9, 1) == {}
    with pytest.raises(ValueError, match="longer"):
        await store.read({"{a}:one": "0-0"}, 9, 2_000)
    await store.close()


async def test_sentinel_tells_where_the_primary_is() -> None:
    async with redis_with_sentinel() as (sentinel, primary, replica):
        store = Store(connect([sentinel.url], sentinel="rooms"))
        assert await store.run(WRITE, ["k"], ["1"]) == b"OK"
        await asyncio.to_thread(primary.kill)
        await asyncio.to_thread(sentinel.says, "+switch-master rooms")
        await store.reset()
        assert await store.run(WRITE, ["k"], ["2"]) == b"OK"
        async with Redis(port=replica.port) as direct:
            assert await direct.get("k") == b"2"
        await store.close()
