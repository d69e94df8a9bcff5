"""The server's side of the queue of many machines; `test_dramatiq_worker` has the other one."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from recorder.jobs.dramatiq_queue import DramatiqQueue, broker_on
from recorder.jobs.queue import QueueDown
from recorder.jobs.redis_jobs import namespace
from recorder.recording import NotARecording
from recorder.work.task import Spec
from tests.chat.redis_servers import RedisServer, redis_server
from tests.recorder.jobs.world import MANY, RECORDING, make_recording, spec, until, work

pytestmark = pytest.mark.needs("redis-server")


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture
def prefix() -> str:
    """Each test has keys of its own."""
    return secrets.token_hex(6)


@pytest.fixture
async def queue(server: RedisServer, prefix: str, tmp_path: Path) -> AsyncIterator[DramatiqQueue]:
    make_recording(tmp_path)
    queue = DramatiqQueue(server.url, tmp_path, MANY, work("writes"), prefix=prefix)
    await queue.start()
    yield queue
    await queue.stop()


async def messages(server: RedisServer, prefix: str) -> int:
    async with Redis.from_url(server.url) as redis:
        return int(await redis.llen(f"{namespace(prefix)}:batch"))


async def test_a_job_is_submitted_once_and_its_message_sent_once(
    queue: DramatiqQueue, server: RedisServer, prefix: str
) -> None:
    changes = queue.changes()
    job = await queue.submit(spec())
    same = await queue.submit(spec())
    told = await until(changes, lambda job: job.state == "waiting")

    assert job == same == told == await queue.find(job.key)
    assert await queue.of(RECORDING) == [job]
    assert await messages(server, prefix) == 1


async def test_two_servers_see_the_same_jobs(
    queue: DramatiqQueue, server: RedisServer, prefix: str, tmp_path: Path
) -> None:
    other = DramatiqQueue(server.url, tmp_path, MANY, work("writes"), prefix=prefix)
    await other.start()
    changes = other.changes()
    job = await queue.submit(spec())
    assert await until(changes, lambda job: job.state == "waiting") == job
    assert await other.submit(spec()) == job
    await other.stop()


async def test_a_message_that_was_lost_is_sent_again(
    queue: DramatiqQueue, server: RedisServer, prefix: str
) -> None:
    await queue.submit(spec())
    assert await queue.mend(grace_ms=-1) == 0, "it is there"
    async with Redis.from_url(server.url) as redis:
        await redis.delete(f"{namespace(prefix)}:batch")

    assert await queue.mend() == 0, "it is too early to say so"
    assert await queue.mend(grace_ms=-1) == 1
    assert await messages(server, prefix) == 1


async def test_what_is_no_recording_is_refused(queue: DramatiqQueue) -> None:
    with pytest.raises(NotARecording):
        await queue.submit(Spec("poster", "../elsewhere"))


async def test_without_redis_the_queue_is_down(tmp_path: Path, prefix: str) -> None:
    make_recording(tmp_path)
    with redis_server() as server:
        queue = DramatiqQueue(server.url, tmp_path, MANY, work("writes"), prefix=prefix)
        await queue.start()
        job = await queue.submit(spec())
    with pytest.raises(QueueDown):
        await queue.submit(spec())
    with pytest.raises(QueueDown):
        await queue.find(job.key)
    await queue.stop()


def test_the_broker_looks_for_dead_workers_at_every_command(server: RedisServer) -> None:
    """With the library's own settings, a dead worker's message may wait for ever."""
    broker = broker_on(server.url, "any", MANY)
    assert broker.heartbeat_timeout == 5_000
    assert broker.maintenance_chance == 1_000_000
    broker.client.close()
