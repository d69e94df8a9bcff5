"""The queue of many machines: messages through dramatiq, states in Redis, outputs in a folder
that all of them share.

Workers are processes of their own (`recorder.jobs.dramatiq_worker`); the server only submits and
watches. dramatiq cannot use a Cluster, so this is one Redis; and it compares the clocks of its
workers, so those must agree to a second or two.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Final

import structlog
from dramatiq import Message
from dramatiq.brokers.redis import RedisBroker
from dramatiq.errors import DramatiqError
from dramatiq.middleware import Retries, TimeLimit
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from recorder.jobs.changes import Followers
from recorder.jobs.job import Job
from recorder.jobs.key import Extent
from recorder.jobs.queue import RECORDINGS, QueueDown, prepared
from recorder.jobs.redis_jobs import QUEUE, TIMEOUT_S, RedisJobs, namespace
from recorder.jobs.settings import JobSettings
from recorder.work import kinds
from recorder.work.task import Kind, Spec

log = structlog.get_logger(__name__)

ACTOR: Final = "take_turn"
HEARTBEAT_MS: Final = 5_000
"""A worker that was not heard of for so long is dead, and its messages go to another one."""
EVERY_TIME: Final = 1_000_000
"""Of a million commands, those at which dead workers are looked for. With the library's own 1,000
a message could wait for hours."""
MENDED_S: Final = 30.0
"""How often lost messages are looked for."""
RETRY_S: Final = 1.0
SLACK_S: Final = 60.0
"""A message may take longer than its job, for waiting and writing."""


def broker_on(url: str, prefix: str, settings: JobSettings) -> RedisBroker:
    """Server and workers use the same. Raises ValueError where `url` is none."""
    limits = [settings.limits, *settings.limits_of.values()]
    most_s = max(one.time_s for one in limits) + SLACK_S
    client = Redis.from_url(
        url,
        # A fetch that timed out may have taken a message: trying again would take another one.
        retry=Retry(NoBackoff(), 0),
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
    )
    return RedisBroker(  # type: ignore[no-untyped-call]
        client=client,
        namespace=namespace(prefix),
        heartbeat_timeout=HEARTBEAT_MS,
        maintenance_chance=EVERY_TIME,
        # Attempts are counted and spaced by us. What fails here is Redis, or a fault of ours.
        middleware=[
            TimeLimit(time_limit=most_s * 1_000),
            Retries(max_retries=20, min_backoff=1_000, max_backoff=60_000),
        ],
    )


def send(broker: RedisBroker, turn: str, delay_ms: int = 0) -> None:
    """Blocking. Raises QueueDown."""
    message = Message[None](queue_name=QUEUE, actor_name=ACTOR, args=(turn,), kwargs={}, options={})
    try:
        broker.enqueue(message, delay=delay_ms or None)
    except (RedisError, DramatiqError, OSError) as error:
        raise QueueDown(f"Redis: {error}") from error


class DramatiqQueue:
    """A JobQueue whose jobs are done elsewhere. Any number of servers may have one."""

    def __init__(
        self,
        url: str,
        storage: Path,
        settings: JobSettings | None = None,
        works: Mapping[Kind, str] = kinds.WORKS,
        *,
        prefix: str = "sluice",
    ) -> None:
        """`storage`: a file system that the workers have too. Raises ValueError."""
        settings = settings or JobSettings()
        self._recordings = storage / RECORDINGS
        self._works = works
        self._jobs = RedisJobs(url, prefix, settings)
        self._broker = broker_on(url, prefix, settings)
        self._followers = Followers()
        self._tasks: list[asyncio.Task[None]] = []
        self._listening = asyncio.Event()

    async def start(self) -> None:
        """Changes are heard when it returns, or as soon as Redis is there."""
        self._tasks = [
            asyncio.create_task(self._listen(), name="job changes"),
            asyncio.create_task(self._mend(), name="lost jobs"),
        ]
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await self._listening.wait()
        except TimeoutError:
            log.warning("the job queue cannot be reached yet")

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        self._followers.close()
        await self._jobs.close()
        await asyncio.to_thread(self._broker.client.close)

    async def submit(
        self,
        spec: Spec,
        *,
        priority: int = 0,
        again: bool = False,
        extent: Extent | None = None,
    ) -> Job:
        key, version, there = await asyncio.to_thread(
            prepared, self._recordings, self._works, spec, extent
        )
        job, turn = await self._jobs.submit(key, spec, version, priority, there=there, again=again)
        if turn:
            await asyncio.to_thread(send, self._broker, turn)
        return job

    async def find(self, key: str) -> Job | None:
        return await self._jobs.find(key)

    async def of(self, recording: str) -> Sequence[Job]:
        return await self._jobs.of(recording)

    async def forget(self, recording: str) -> None:
        await self._jobs.forget(recording)

    def changes(self) -> AsyncIterator[Job]:
        return self._followers.open()

    async def mend(self, grace_ms: int | None = None) -> int:
        """Send again what was lost: a server or worker died, or Redis did not answer, at the
        wrong moment. How many messages that were."""
        turns = await (self._jobs.lost() if grace_ms is None else self._jobs.lost(grace_ms))
        for turn in turns:
            await asyncio.to_thread(send, self._broker, turn)
        return len(turns)

    async def _listen(self) -> None:
        while True:
            try:
                async with aclosing(self._jobs.changes()) as keys:
                    async for key in keys:
                        if not key:
                            self._listening.set()
                        elif (job := await self._jobs.find(key)) is not None:
                            self._followers.put([job])
            except QueueDown as error:
                log.warning("changes of jobs are not heard", error=str(error))
            await asyncio.sleep(RETRY_S)

    async def _mend(self) -> None:
        while True:
            await asyncio.sleep(MENDED_S)
            try:
                if lost := await self.mend():
                    log.warning("messages of jobs were lost, and sent again", count=lost)
            except QueueDown as error:
                log.warning("lost jobs are not looked for", error=str(error))
