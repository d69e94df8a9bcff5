"""Workers of the queue of many machines, as real processes on a real Redis."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from recorder.jobs.dramatiq_queue import DramatiqQueue
from tests.chat.redis_servers import RedisServer, redis_server
from tests.recorder.jobs.world import (
    MANY,
    RECORDING,
    halfway,
    in_derived,
    make_recording,
    outputs,
    pid_of,
    settled,
    spec,
    until,
    watched,
    work,
)

pytestmark = pytest.mark.needs("redis-server")

WORKER = """
import sys
from pathlib import Path
from recorder.jobs.dramatiq_worker import run_worker
from tests.recorder.jobs import world

url, storage, prefix, name = sys.argv[1:]
run_worker(url, Path(storage), world.MANY, world.work(name), prefix=prefix)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture
def prefix() -> str:
    """Each test has keys of its own."""
    return secrets.token_hex(6)


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    make_recording(tmp_path)
    return tmp_path


@asynccontextmanager
async def queue_on(server: RedisServer, storage: Path, prefix: str) -> AsyncIterator[DramatiqQueue]:
    queue = DramatiqQueue(server.url, storage, MANY, work("writes"), prefix=prefix)
    await queue.start()
    try:
        yield queue
    finally:
        await queue.stop()


@asynccontextmanager
async def worker(
    server: RedisServer, storage: Path, prefix: str, name: str
) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORKER, server.url, str(storage), prefix, name
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            os.kill(process.pid, signal.SIGKILL)
        await process.wait()


async def test_jobs_are_done_elsewhere(server: RedisServer, storage: Path, prefix: str) -> None:
    async with (
        queue_on(server, storage, prefix) as queue,
        worker(server, storage, prefix, "first_raises"),
    ):
        job = await settled(queue, spec())
        again = await queue.submit(spec())

    assert (job.state, job.attempts, job.progress) == ("done", 2, 1.0)
    assert (again.id, again.state) == (job.id, "done")
    assert outputs(storage).facts(job.key) == {"bytes": 8, "title": "Roses", "exact": True}


async def test_when_a_worker_is_killed_another_one_does_its_job(
    server: RedisServer, storage: Path, prefix: str
) -> None:
    async with AsyncExitStack() as stack:
        queue = await stack.enter_async_context(queue_on(server, storage, prefix))
        changes = queue.changes()
        await queue.submit(spec())
        workers = [
            await stack.enter_async_context(worker(server, storage, prefix, "first_stands_still"))
            for _ in "12"
        ]
        running = await until(changes, halfway)
        named = {f"-{process.pid}-": process for process in workers}
        theirs = next(process for name, process in named.items() if name in running.worker)
        with watched(pid_of(storage, running)) as child_ended:
            os.kill(theirs.pid, signal.SIGKILL)
            await asyncio.to_thread(child_ended)
        job = await until(changes, lambda job: job.settled)

    assert (job.state, job.attempts) == ("done", 2)
    assert job.worker != running.worker
    assert in_derived(storage) == {job.key, "done.log"}
    log = storage / "recordings" / RECORDING / "derived/done.log"
    assert log.read_text() == f".{job.key}.2\n"


async def test_a_worker_that_stops_gives_its_job_back(
    server: RedisServer, storage: Path, prefix: str
) -> None:
    async with queue_on(server, storage, prefix) as queue:
        changes = queue.changes()
        await queue.submit(spec())
        async with worker(server, storage, prefix, "first_stands_still") as first:
            running = await until(changes, halfway)
            with watched(pid_of(storage, running)) as child_ended:
                os.kill(first.pid, signal.SIGTERM)
                await asyncio.to_thread(child_ended)
            waiting = await until(changes, lambda job: job.state == "waiting")
            assert await first.wait() == 0
        assert in_derived(storage) == set()
        async with worker(server, storage, prefix, "first_stands_still"):
            job = await until(changes, lambda job: job.settled)

    assert waiting.error == ""
    assert (job.state, job.attempts) == ("done", 2)
