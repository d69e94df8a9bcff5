"""States of jobs in a real Redis: turns, priorities, leases, fences, and nothing left over."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
from redis.asyncio import Redis

from recorder.jobs.job import Job
from recorder.jobs.queue import QueueDown
from recorder.jobs.redis_jobs import Later, RedisJobs, namespace
from recorder.jobs.settings import JobSettings
from tests.chat.redis_servers import RedisServer, redis_server
from tests.recorder.jobs.world import RECORDING, spec

pytestmark = pytest.mark.needs("redis-server")

SETTINGS = JobSettings(attempts=2, pauses_s=(0.0,), lease_s=60.0)
LAPSED = replace(SETTINGS, lease_s=-1.0)
"""Every lease has run out at once."""
PAUSED = replace(SETTINGS, pauses_s=(60.0,))
ROSE, TULIP, OAK = "a" * 32, "b" * 32, "c" * 32


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture
def prefix() -> str:
    """Each test has keys of its own."""
    return secrets.token_hex(6)


@pytest.fixture
async def jobs(server: RedisServer, prefix: str) -> AsyncIterator[RedisJobs]:
    jobs = RedisJobs(server.url, prefix, SETTINGS)
    yield jobs
    await jobs.close()


async def submit(
    jobs: RedisJobs,
    key: str = ROSE,
    priority: int = 0,
    *,
    there: bool = False,
    again: bool = False,
) -> tuple[Job, str]:
    return await jobs.submit(key, spec(), 3, priority, there=there, again=again)


async def claimed(jobs: RedisJobs, turn: str) -> Job:
    job = await jobs.claim(turn, "w")
    assert isinstance(job, Job)
    return job


async def now_is(jobs: RedisJobs, key: str = ROSE) -> Job:
    job = await jobs.find(key)
    assert job is not None
    return job


async def keys_of(server: RedisServer, prefix: str) -> set[str]:
    async with Redis.from_url(server.url, decode_responses=True) as redis:
        found = [str(key) for key in await redis.keys(f"{namespace(prefix)}*")]
    return {key.removeprefix(f"{namespace(prefix)}:") for key in found}


async def test_a_job_from_its_making_to_its_end(
    jobs: RedisJobs, server: RedisServer, prefix: str
) -> None:
    made, turn = await submit(jobs)
    assert (made.key, made.spec, made.version, made.state) == (ROSE, spec(), 3, "waiting")
    assert turn
    assert await submit(jobs) == (made, ""), "it has its turn already"

    job = await claimed(jobs, turn)
    assert (job.id, job.state, job.attempts, job.worker) == (made.id, "running", 1, "w")
    assert await jobs.beat(job, 0.25)
    assert (await now_is(jobs)).progress == 0.25
    assert await jobs.running() == {(ROSE, 1)}

    await jobs.done(job)
    done = await now_is(jobs)
    assert (done.state, done.progress) == ("done", 1.0)
    assert done.ended_ms is not None
    assert await jobs.claim(turn, "w") is None
    assert await jobs.of(RECORDING) == [done]
    assert await keys_of(server, prefix) == {"last", f"job:{ROSE}", f"of:{RECORDING}"}


async def test_messages_keep_their_order_and_jobs_their_priority(jobs: RedisJobs) -> None:
    turns = [
        (await submit(jobs, key, priority))[1]
        for key, priority in ((ROSE, 0), (TULIP, 0), (OAK, 5))
    ]
    assert [(await claimed(jobs, turn)).key for turn in turns] == [OAK, ROSE, TULIP]


async def test_jobs_that_exchanged_their_turns_still_have_one_each(
    jobs: RedisJobs, server: RedisServer, prefix: str
) -> None:
    """A worker that died: its message comes once more, and stands for what it was doing."""
    _, first = await submit(jobs, ROSE)
    _, second = await submit(jobs, OAK, 5)
    oak = await claimed(jobs, first)
    assert (oak.key, oak.attempts) == (OAK, 1)

    others = RedisJobs(server.url, prefix, LAPSED)
    again = await claimed(others, first)
    rose = await claimed(jobs, second)

    assert (again.key, again.attempts) == (OAK, 2)
    assert (rose.key, rose.attempts) == (ROSE, 1)
    await others.close()


async def test_priority_can_be_raised_while_it_waits(jobs: RedisJobs) -> None:
    _, turn = await submit(jobs, ROSE)
    await submit(jobs, OAK)
    raised, none = await submit(jobs, OAK, 2)
    assert (raised.priority, none) == (2, "")
    assert (await submit(jobs, OAK, 1))[0].priority == 2
    assert (await claimed(jobs, turn)).key == OAK


async def test_a_message_that_comes_twice_waits_for_the_lease(
    jobs: RedisJobs, server: RedisServer, prefix: str
) -> None:
    _, turn = await submit(jobs)
    job = await claimed(jobs, turn)
    later = await jobs.claim(turn, "v")
    assert isinstance(later, Later)
    assert 0 < later.ms <= 60_000
    assert await jobs.beat(job, 0.5)

    others = RedisJobs(server.url, prefix, LAPSED)
    second = await claimed(others, turn)
    assert second.attempts == 2
    assert not await jobs.beat(job, 0.9)
    await jobs.done(job)
    assert await jobs.failed(job, "too late", False) == ("", 0)
    assert await jobs.release(job) == ""
    assert await now_is(jobs) == second

    assert await others.claim(turn, "u") is None, "that was its last attempt"
    failed = await now_is(jobs)
    assert (failed.state, failed.error) == ("failed", "Its worker died.")
    await others.close()


async def test_a_failure_is_tried_again_after_a_pause(
    jobs: RedisJobs, server: RedisServer, prefix: str
) -> None:
    paused = RedisJobs(server.url, prefix, PAUSED)
    _, turn = await submit(jobs)
    assert await paused.failed(await claimed(jobs, turn), "a slip", True) == (turn, 60_000)
    waiting = await now_is(jobs)
    assert (waiting.state, waiting.error, waiting.attempts) == ("waiting", "a slip", 1)
    later = await jobs.claim(turn, "w")
    assert isinstance(later, Later)
    assert 0 < later.ms <= 60_000

    _, sent = await submit(jobs, again=True)
    assert sent == turn, "whoever asks again does not wait"
    assert await jobs.failed(await claimed(jobs, turn), "the last slip", True) == ("", 0)
    assert (await now_is(jobs)).state == "failed"
    await paused.close()


async def test_what_failed_or_vanished_is_made_anew_when_asked(jobs: RedisJobs) -> None:
    _, turn = await submit(jobs)
    assert await jobs.failed(await claimed(jobs, turn), "no picture", False) == ("", 0)
    assert (await submit(jobs))[1] == ""

    again, turn = await submit(jobs, again=True)
    assert (again.state, again.error, again.ended_ms) == ("waiting", "", None)
    job = await claimed(jobs, turn)
    assert job.attempts == 2
    await jobs.done(job)
    assert (await submit(jobs, there=True))[1] == ""

    vanished, turn = await submit(jobs)
    assert vanished.state == "waiting"
    assert (await claimed(jobs, turn)).attempts == 3


async def test_an_output_that_is_there_needs_no_turn(jobs: RedisJobs) -> None:
    job, turn = await submit(jobs, there=True)
    assert (job.state, job.progress, turn) == ("done", 1.0, "")
    _, turn = await submit(jobs, OAK)
    assert (await submit(jobs, OAK, there=True))[0].state == "done"
    assert await jobs.claim(turn, "w") is None


async def test_given_back_it_counts_as_not_begun(jobs: RedisJobs) -> None:
    _, turn = await submit(jobs)
    for attempt in range(1, 6):
        job = await claimed(jobs, turn)
        assert job.attempts == attempt
        turn = await jobs.release(job)
        assert turn
    assert (await now_is(jobs)).state == "waiting"


async def test_forgotten_jobs_leave_nothing(
    jobs: RedisJobs, server: RedisServer, prefix: str
) -> None:
    _, turn = await submit(jobs)
    await submit(jobs, OAK)
    job = await claimed(jobs, turn)
    await jobs.forget(RECORDING)

    assert not await jobs.beat(job, 0.5)
    assert await jobs.of(RECORDING) == []
    assert await jobs.claim(turn, "w") is None
    assert await keys_of(server, prefix) == {"last"}


async def test_lost_messages_are_found(jobs: RedisJobs) -> None:
    _, rose = await submit(jobs)
    _, oak = await submit(jobs, OAK)
    assert await jobs.lost() == [], "they are new"
    assert set(await jobs.lost(grace_ms=-1)) == {rose, oak}
    job = await claimed(jobs, rose)
    await jobs.done(job)
    assert await jobs.lost(grace_ms=-1) == [oak]


async def test_what_only_a_newer_version_understands_is_none(
    jobs: RedisJobs, server: RedisServer, prefix: str
) -> None:
    await submit(jobs)
    async with Redis.from_url(server.url) as redis:
        await redis.hset(f"{namespace(prefix)}:job:{ROSE}", "spec", '{"kind": "hologram"}')
    assert await jobs.find(ROSE) is None
    assert await jobs.of(RECORDING) == []


async def test_without_redis_the_queue_is_down(prefix: str) -> None:
    with redis_server() as server:
        url = server.url
    jobs = RedisJobs(url, prefix, SETTINGS)
    with pytest.raises(QueueDown):
        await jobs.find(ROSE)
    with pytest.raises(QueueDown):
        await submit(jobs)
    with pytest.raises(QueueDown):
        await anext(jobs.changes())
    await jobs.close()
