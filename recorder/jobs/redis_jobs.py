"""The states of jobs in Redis, for many machines. One Redis, alone or behind a name that moves.

What the SQLite table is to one machine. Each change is one script; see `redis_scripts`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, cast

import msgspec
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from recorder.jobs import redis_scripts as scripts
from recorder.jobs.job import Job, State
from recorder.jobs.queue import QueueDown
from recorder.jobs.settings import JobSettings
from recorder.work.task import Spec

QUEUE: Final = "batch"
"""Of messages. Each holds a turn."""
TIMEOUT_S: Final = 5.0
GRACE_MS: Final = 30_000
"""So long a job may stand still before its message counts as lost."""


def namespace(prefix: str) -> str:
    """What all keys begin with. One hash tag: they are in one slot."""
    return f"{{{prefix}:jobs}}"


@dataclass(frozen=True, slots=True)
class Later:
    """It is nobody's turn yet."""

    ms: int


class RedisJobs:
    """For one event loop. Raises QueueDown only; ValueError where `url` is none."""

    def __init__(self, url: str, prefix: str, settings: JobSettings) -> None:
        self._namespace = namespace(prefix)
        self._settings = settings
        self._keep_s = settings.keep_days * 86_400
        self._redis = Redis.from_url(
            url,
            # A script that timed out may have taken effect: it is not for us to try it again.
            retry=Retry(NoBackoff(), 0),
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            health_check_interval=10,
            decode_responses=True,
            protocol=2,
        )
        self._commands = cast(_Commands, self._redis)
        self._scripts = {
            source: cast(_Script, self._redis.register_script(source)) for source in scripts.ALL
        }

    async def close(self) -> None:
        await self._redis.aclose()

    async def submit(
        self, key: str, spec: Spec, version: int, priority: int, *, there: bool, again: bool
    ) -> tuple[Job, str]:
        """The job, and the turn that is to be sent for it; empty where none is."""
        text = msgspec.json.encode(spec).decode()
        turn = await self._run(
            scripts.SUBMIT, key, spec.recording, text, version, priority,
            self._settings.attempts, int(again), int(there), self._keep_s,
        )  # fmt: skip
        job = await self.find(key)
        if job is None:
            raise QueueDown("Redis forgot a job at once.")
        return job, str(turn)

    async def find(self, key: str) -> Job | None:
        return _job(await self._ask("HGETALL", f"{self._namespace}:job:{key}"))

    async def of(self, recording: str) -> Sequence[Job]:
        members = await self._ask("SMEMBERS", f"{self._namespace}:of:{recording}")
        jobs = [await self.find(key) for key in _texts(members)]
        return sorted((job for job in jobs if job is not None), key=lambda job: job.id)

    async def forget(self, recording: str) -> None:
        await self._run(scripts.FORGET, recording)

    async def claim(self, turn: str, worker: str) -> Job | Later | None:
        """A job for this turn. None: the turn is over, nothing is to be done."""
        found = _texts(
            await self._run(scripts.CLAIM, turn, worker, self._settings.lease_ms, self._keep_s)
        )
        match found:
            case [key]:
                return await self.find(key)
            case [_, ms]:
                return Later(int(ms))
            case _:
                return None

    async def beat(self, job: Job, progress: float) -> bool:
        """Keep the lease. False: it is lost, and what is made is not wanted."""
        return await self._run(scripts.BEAT, job.key, job.attempts, f"{progress:.4f}") == 1

    async def done(self, job: Job) -> None:
        await self._run(scripts.DONE, job.key, job.attempts, self._keep_s)

    async def failed(self, job: Job, error: str, again: bool) -> tuple[str, int]:
        """The turn for the next attempt, and the pause before it (ms); empty: there is none."""
        pause_ms = self._settings.pause_ms(job.attempts)
        turn = await self._run(
            scripts.FAILED, job.key, job.attempts, error, int(again), pause_ms, self._keep_s
        )
        return str(turn), pause_ms

    async def release(self, job: Job) -> str:
        """Give it back as if it had not begun. The turn to be sent, where there is one."""
        return str(await self._run(scripts.RELEASE, job.key, job.attempts))

    async def lost(self, grace_ms: int = GRACE_MS) -> Sequence[str]:
        """Turns whose messages are lost: they are to be sent once more."""
        return _texts(await self._run(scripts.LOST, QUEUE, grace_ms))

    async def running(self) -> set[tuple[str, int]]:
        """(key, attempt) of all that are being made, by whomever."""
        keys = _texts(await self._ask("SMEMBERS", f"{self._namespace}:unfinished"))
        jobs = [await self.find(key) for key in keys]
        return {(job.key, job.attempts) for job in jobs if job and job.state == "running"}

    async def changes(self) -> AsyncGenerator[str, None]:
        """Keys of jobs as they change; first an empty one, as soon as none is missed any more."""
        try:
            async with self._redis.pubsub() as listener:
                await listener.subscribe(f"{self._namespace}:changes")
                while True:
                    heard = await listener.get_message(timeout=1.0)
                    if heard is not None:
                        yield str(heard["data"]) if heard["type"] == "message" else ""
        except (RedisError, OSError) as error:
            raise QueueDown(f"Redis: {error}") from error

    async def _run(self, script: str, *arguments: str | int) -> object:
        return await self._told(self._scripts[script]([self._namespace], arguments))

    async def _ask(self, *parts: str) -> object:
        return await self._told(self._commands.execute_command(*parts))

    async def _told(self, asked: Awaitable[object]) -> object:
        try:
            return await asked
        except (RedisError, OSError) as error:
            raise QueueDown(f"Redis: {error}") from error


class _Commands(Protocol):
    """What we use of the client, with the types that redis-py leaves open."""

    def execute_command(self, *parts: str) -> Awaitable[object]: ...


class _Script(Protocol):
    def __call__(self, keys: Sequence[str], args: Sequence[str | int]) -> Awaitable[object]: ...


def _texts(answer: object) -> list[str]:
    return [str(one) for one in answer] if isinstance(answer, list | set) else []


def _job(answer: object) -> Job | None:
    """None where there is none, or where only a newer version of us understands it."""
    if not isinstance(answer, dict) or not answer:
        return None
    try:
        row = msgspec.convert(answer, _Row, strict=False)
        spec = msgspec.json.decode(row.spec, type=Spec)
    except msgspec.MsgspecError:
        return None
    return Job(
        row.id, row.key, spec, row.version, row.state, row.progress, row.attempts, row.priority,
        row.made_ms, row.begun_ms, row.ended_ms, row.not_before_ms, row.worker, row.error,
    )  # fmt: skip


class _Row(msgspec.Struct):
    """A job's hash; Redis keeps nothing but texts."""

    id: int
    key: str
    spec: str
    version: int
    state: State
    progress: float
    attempts: int
    priority: int
    made_ms: int
    begun_ms: int | None = None
    ended_ms: int | None = None
    not_before_ms: int = 0
    worker: str = ""
    error: str = ""
