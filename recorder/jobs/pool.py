"""Takes jobs from the table and lets children do them, so many at a time.

Any number of pools, of any number of processes, may work on one table. A pool also finds out what
the others changed, so that progress is seen everywhere.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import structlog

from recorder.jobs.job import Job
from recorder.jobs.outputs import all_begun
from recorder.jobs.runner import Runner
from recorder.jobs.settings import JobSettings
from recorder.jobs.table import ANY, Table
from recorder.jobs.wire import Finished, Refused

log = structlog.get_logger(__name__)

PRUNE_S: Final = 3_600.0


class Pool:
    """All calls from one event loop."""

    def __init__(
        self,
        table: Table,
        recordings: Path,
        runner: Runner,
        settings: JobSettings,
        changed: Callable[[Sequence[Job]], None],
    ) -> None:
        """`changed` is called with jobs that changed, by whomever."""
        self._table = table
        self._recordings = recordings
        self._runner = runner
        self._settings = settings
        self._changed = changed
        self._worker = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._woken = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._serving: asyncio.Task[None] | None = None
        self._seen = 0
        """The newest change that was told."""
        self._pruned_s = time.monotonic() - PRUNE_S

    async def start(self) -> None:
        """Also deletes what dead workers left behind. Raises sqlite3.Error."""
        self._seen, _ = await asyncio.to_thread(self._table.changed, 0)
        if self._settings.concurrency > 0:
            await asyncio.to_thread(sweep_begun, self._recordings, self._table)
        self._serving = asyncio.create_task(self._serve(), name="jobs")

    async def stop(self) -> None:
        """End the children and give their jobs back. Idempotent."""
        if self._serving is None:
            return
        self._stopping = True
        self._woken.set()
        await asyncio.gather(self._serving, return_exceptions=True)
        self._serving = None
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        try:
            await asyncio.to_thread(self._table.release, self._worker)
        except sqlite3.Error as error:
            # Then their leases run out.
            log.warning("jobs could not be given back", error=str(error))

    def wake(self) -> None:
        """Something was submitted or changed here."""
        self._woken.set()

    async def _serve(self) -> None:
        while not self._stopping:
            self._woken.clear()
            try:
                await self._prune()
                await self._claim()
                await self._tell()
            except sqlite3.Error as error:
                log.warning("the job table cannot be used", error=str(error))
            try:
                async with asyncio.timeout(self._settings.look_s):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def _claim(self) -> None:
        while (least := self._least_priority()) is not None and not self._stopping:
            job = await asyncio.to_thread(self._table.claim, self._worker, now_ms(), least)
            if job is None:
                return
            task = asyncio.create_task(self._run(job), name=f"job {job.id}")
            self._running.add(task)
            task.add_done_callback(self._ended)

    def _least_priority(self) -> int | None:
        """Of jobs that there is room for; None where there is none."""
        usual = self._settings.concurrency
        if usual and len(self._running) < usual:
            return ANY
        return 1 if usual and len(self._running) < usual + self._settings.urgent else None

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # Its lease runs out, so that it is tried again.
            log.error("a job's result could not be kept", exc_info=error)
        self._woken.set()

    async def _run(self, job: Job) -> None:
        async def beat(progress: float) -> bool:
            kept = await asyncio.to_thread(self._table.beat, job, progress, now_ms())
            self._woken.set()
            return kept

        told = {"recording": job.spec.recording, "kind": job.spec.kind, "key": job.key}
        result = await self._runner.run(job, beat)
        match result:
            case Finished():
                await asyncio.to_thread(self._table.done, job, now_ms())
                log.info("a job is done", **told)
            case Refused(error, again):
                await asyncio.to_thread(self._table.failed, job, error, again, now_ms())
                log.warning("a job failed", attempt=job.attempts, error=error, again=again, **told)
            case None:
                pass

    async def _tell(self) -> None:
        newest, jobs = await asyncio.to_thread(self._table.changed, self._seen)
        self._seen = newest
        if jobs:
            self._changed(jobs)

    async def _prune(self) -> None:
        now_s = time.monotonic()
        if self._settings.concurrency > 0 and now_s - self._pruned_s >= PRUNE_S:
            self._pruned_s = now_s
            await asyncio.to_thread(self._table.prune, now_ms())


def sweep_begun(recordings: Path, table: Table) -> None:
    """Delete what dead workers left behind. Blocking."""
    begun = all_begun(recordings)
    running = table.running()
    for outputs, key, attempt in begun:
        if (key, attempt) not in running:
            outputs.abandon(key, attempt)


def now_ms() -> int:
    return time.time_ns() // 1_000_000
