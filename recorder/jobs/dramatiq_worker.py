"""A worker of the queue of many machines: `run_worker` is what its command calls.

dramatiq hands out messages in threads; the children run in one event loop, as in the queue of one
machine. A worker that is killed takes its children along, and dramatiq gives its messages to
another worker after some seconds.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import secrets
import signal
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import dramatiq
import structlog

from recorder.jobs.dramatiq_queue import ACTOR, broker_on, send
from recorder.jobs.job import Job
from recorder.jobs.outputs import all_begun
from recorder.jobs.queue import RECORDINGS, QueueDown
from recorder.jobs.redis_jobs import QUEUE, Later, RedisJobs
from recorder.jobs.runner import Runner
from recorder.jobs.settings import JobSettings
from recorder.jobs.wire import Finished, MediaFrom, Refused
from recorder.work import kinds
from recorder.work.task import Kind

log = structlog.get_logger(__name__)

STOPPING_MS: Final = 20_000
HEARD_S: Final = 1.0
"""How often a waiting thread looks up, so that it can be interrupted."""


def run_worker(
    url: str,
    storage: Path,
    settings: JobSettings | None = None,
    works: Mapping[Kind, str] = kinds.WORKS,
    media: MediaFrom | None = None,
    *,
    prefix: str = "sluice",
) -> None:
    """Work until SIGTERM or SIGINT. Raises ValueError where `url` is none."""

    async def work() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        worker = Worker(url, storage, settings or JobSettings(), works, media, prefix)
        await worker.serve(stop)

    asyncio.run(work())


class Worker:
    """One in a process: dramatiq allows no more. Used by the event loop that it is made in."""

    def __init__(
        self,
        url: str,
        storage: Path,
        settings: JobSettings,
        works: Mapping[Kind, str],
        media: MediaFrom | None,
        prefix: str,
    ) -> None:
        recordings = storage / RECORDINGS
        self._recordings = recordings
        self._runner = Runner(recordings, settings, works, media)
        self._threads = max(1, settings.concurrency)
        self._jobs = RedisJobs(url, prefix, settings)
        self._broker = broker_on(url, prefix, settings)
        self._name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._loop = asyncio.get_running_loop()
        self._turns: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def serve(self, stop: asyncio.Event) -> None:
        """Until it is told to stop. Then children are ended, and their jobs given back."""
        as_actor = dramatiq.actor(broker=self._broker, actor_name=ACTOR, queue_name=QUEUE)
        as_actor(self._in_thread)
        worker = dramatiq.Worker(self._broker, worker_threads=self._threads)
        # Not one message more than there are threads: it would wait here while others are idle.
        worker.queue_prefetch = self._threads
        try:
            await self._sweep_begun()
        except (QueueDown, OSError) as error:
            log.warning("left-over outputs were not deleted", error=str(error))
        # Starts the clock of the time limits, which dramatiq's own command would do.
        self._broker.emit_after("process_boot")
        worker.start()
        log.info("a worker is ready", name=self._name, threads=self._threads)
        await stop.wait()
        self._stopping = True
        for thread in worker.workers:
            thread.stop()
        for turn in self._turns:
            turn.cancel()
        await asyncio.to_thread(worker.stop, STOPPING_MS)
        await self._jobs.close()
        await asyncio.to_thread(self._broker.client.close)

    def _in_thread(self, turn: str) -> None:
        """dramatiq's thread waits here; its time limit is raised in it."""
        taken: concurrent.futures.Future[None] = asyncio.run_coroutine_threadsafe(
            self._tracked(turn), self._loop
        )
        try:
            while True:
                try:
                    return taken.result(HEARD_S)
                except TimeoutError:
                    if taken.done():
                        raise
        finally:
            taken.cancel()

    async def _tracked(self, turn: str) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._turns.add(task)
        try:
            await self._take(turn)
        finally:
            self._turns.discard(task)

    async def _take(self, turn: str) -> None:
        """Whatever happens to the job, there is a message for it afterwards, if it needs one."""
        if self._stopping:
            await asyncio.to_thread(send, self._broker, turn)
            return
        claimed = await self._jobs.claim(turn, self._name)
        match claimed:
            case Job():
                await self._run(claimed)
            case Later(ms):
                await asyncio.to_thread(send, self._broker, turn, ms)
            case None:
                pass

    async def _run(self, job: Job) -> None:
        async def beat(progress: float) -> bool:
            return await self._jobs.beat(job, progress)

        told = {"recording": job.spec.recording, "kind": job.spec.kind, "key": job.key}
        try:
            result = await self._runner.run(job, beat)
        except asyncio.CancelledError:
            if turn := await self._jobs.release(job):
                await asyncio.to_thread(send, self._broker, turn)
            log.info("a job was given back", **told)
            return
        match result:
            case Finished():
                await self._jobs.done(job)
                log.info("a job is done", **told)
            case Refused(error, again):
                turn, pause_ms = await self._jobs.failed(job, error, again)
                log.warning("a job failed", attempt=job.attempts, error=error, again=again, **told)
                if turn:
                    await asyncio.to_thread(send, self._broker, turn, pause_ms)
            case None:
                pass

    async def _sweep_begun(self) -> None:
        """Delete what dead workers left behind."""
        left = await asyncio.to_thread(all_begun, self._recordings)
        running = await self._jobs.running()
        for outputs, key, attempt in left:
            if (key, attempt) not in running:
                await asyncio.to_thread(outputs.abandon, key, attempt)
