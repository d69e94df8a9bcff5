"""`sluice vod jobs`, `make` and `worker`: what is made of recordings, and by whom."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from typing import Annotated, Final, Literal, get_args

import typer
from rich.markup import escape
from rich.progress import Progress
from rich.table import Column, Table

from recorder.catalog.catalog import Catalog
from recorder.catalog.holding import VodUnknown
from recorder.catalog.vods import Vod
from recorder.chapters import Candidate
from recorder.jobs.job import Job
from recorder.jobs.outputs import DERIVED
from recorder.jobs.queue import JobQueue, LocalQueue
from recorder.replay import Replay
from recorder.work.task import Spec
from signaling import vod_house
from signaling.aftermath import Aftermath
from signaling.terminal import (
    ConfigOption,
    JsonOption,
    bars,
    console,
    fail,
    note,
    run,
    say,
    say_json,
    settings_of,
)
from signaling.vod_archive import Archive
from signaling.vod_house import job_settings
from sluice.clock import SystemClock
from sluice.metrics import Metrics

Made = Literal["mp4", "storyboard", "poster", "chapters", "captions"]
"""What can be asked for. Clips are asked for with a stretch, on the page."""

URGENT: Final = 10
PATIENCE_S: Final = 3.0
"""So long a server, or a worker, may take to begin before we help."""
LOOK_S: Final = 5.0
"""How often it is looked whether the jobs are still there."""
SILENCE_S: Final = 15.0
"""A job of which nothing was heard for so long is nobody's: its worker would have told."""


def jobs_command(
    vod: Annotated[str | None, typer.Option(help="Only those of one recording.")] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show how they go, until none is left.")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """What is being made of recordings, waits, or failed; of one recording also what is done."""
    archive = Archive(settings_of(config))
    if watch and as_json:
        raise fail("Take --watch or --json.")

    async def work() -> list[Job]:
        async with archive.queue() as queue:
            changes = queue.changes()
            jobs = await _jobs(archive, queue, vod)
            return await _watched(queue, changes, jobs, vod) if watch else jobs

    jobs = run(work())
    shown = [one for one in jobs if vod is not None or watch or one.state != "done"]
    if as_json:
        say_json(shown)
        return
    table = Table(Column("Recording", no_wrap=True), "What", "State", "Done", "Attempts", "Error")
    for one in shown:
        table.add_row(
            one.spec.recording,
            one.spec.kind,
            one.state,
            f"{1.0 if one.state == 'done' else one.progress:.0%}",
            str(one.attempts),
            escape(one.error),
        )
    console.print(table)
    if len(shown) < len(jobs):
        note(f"{len(jobs) - len(shown)} more are done.")


def make_command(
    vod: Annotated[str, typer.Argument(help="The recording's id.")],
    kind: Annotated[Made, typer.Argument(help=f"One of: {', '.join(get_args(Made))}.")],
    config: ConfigOption = None,
) -> None:
    """Make something of a recording, now, and wait for it. A server that runs on the same folder
    does it; where none begins, this command does. What failed before is tried anew."""
    archive = Archive(settings_of(config))

    async def work() -> Job:
        async with archive.catalog() as catalog, archive.queue() as queue:
            known = await catalog.vods.get(vod)
            if known is None:
                raise fail(f"There is no recording {vod!r} in the catalog: see `sluice vod list`.")
            if known.state == "recording":
                raise fail(f"{vod} is still being recorded.")
            making = _Making(archive, catalog, queue)
            return await making.make(known, kind)

    job = run(work())
    if job.state == "failed":
        raise fail(f"It could not be made: {job.error}")
    say(f"Made: {archive.folder / vod / DERIVED / job.key}")


def worker_command(config: ConfigOption = None) -> None:
    """Work on jobs that servers put into Redis, until Ctrl-C. For any machine that shares their
    storage folder."""
    settings = settings_of(config, quiet=False)
    jobs = settings.recorder.jobs
    if jobs.redis_url is None:
        raise fail(
            "recorder.jobs.redis_url is not set: without it a server does its jobs itself, and "
            "there is nothing for a worker."
        )
    # Imported only where it is used.
    from recorder.jobs.dramatiq_worker import run_worker

    try:
        run_worker(
            jobs.redis_url.get_secret_value(),
            settings.storage.path,
            job_settings(jobs),
            media=vod_house.media_of_store(settings.recorder),
            prefix=jobs.prefix,
        )
    except ValueError as error:
        raise fail(f"recorder.jobs.redis_url: {error}") from None


async def _jobs(archive: Archive, queue: JobQueue, vod: str | None) -> list[Job]:
    if vod is not None:
        return list(await queue.of(vod))
    async with archive.catalog() as catalog:
        states = await catalog.vods.states()
    jobs = [one for known in states for one in await queue.of(known)]
    return sorted(jobs, key=lambda one: one.made_ms)


async def _watched(
    queue: JobQueue, changes: AsyncIterator[Job], jobs: Sequence[Job], vod: str | None
) -> list[Job]:
    """Until none of them waits or runs, nor of those that came meanwhile. These, at their end."""
    watched = {one.key: one for one in jobs if not one.settled}
    with bars() as progress:
        shown = {key: _Bar(progress, one) for key, one in watched.items()}
        while any(not one.settled for one in watched.values()):
            try:
                async with asyncio.timeout(LOOK_S):
                    job = await anext(changes)
            except TimeoutError:
                watched = await _still(queue, watched)
                continue
            if vod is not None and job.spec.recording != vod:
                continue
            watched[job.key] = job
            if job.key not in shown:
                shown[job.key] = _Bar(progress, job)
            shown[job.key].move(job)
    return list(watched.values())


async def _still(queue: JobQueue, jobs: dict[str, Job]) -> dict[str, Job]:
    """Without those that were dropped, because their recording was deleted: nobody tells."""
    now = {key: job if job.settled else await queue.find(key) for key, job in jobs.items()}
    return {key: job for key, job in now.items() if job is not None}


class _Making:
    """Submits one job, and sees to it that somebody does it."""

    def __init__(self, archive: Archive, catalog: Catalog, queue: JobQueue) -> None:
        self._archive = archive
        self._catalog = catalog
        self._queue = queue
        self._aftermath = Aftermath(
            queue,
            catalog,
            archive.folder,
            archive.config.captions,
            SystemClock(),
            Metrics(),
            _no_peaks,
        )

    async def make(self, vod: Vod, kind: Made) -> Job:
        """The job at its end."""
        spec = await self._spec(vod, kind)
        changes = self._queue.changes()  # before it is submitted, or its end could be missed
        job = await self._queue.submit(spec, priority=URGENT, again=True)
        ours, patient = job.settled, True
        async with AsyncExitStack() as stack:
            bar = _Bar(stack.enter_context(bars()), job)
            while not job.settled:
                try:
                    async with asyncio.timeout(_patience_s(job) if patient else LOOK_S):
                        job = await _next(changes, job)
                        bar.move(job)
                except TimeoutError:
                    if patient:
                        ours, patient = await self._help(stack), False
                    elif await self._queue.find(job.key) is None:
                        raise fail(f"{vod.id} was deleted meanwhile.") from None
        if ours and job.state == "done":
            await self._take(job)
        return job

    async def _spec(self, vod: Vod, kind: Made) -> Spec:
        """The same as a server would ask for, so that it is made once."""
        if kind == "mp4":
            return await self._aftermath.file_spec(vod)
        for spec in self._aftermath.wanted(vod.id):
            if spec.kind == kind:
                return spec
        raise fail("There is nobody to write captions: set recorder.captions.engine.")

    async def _help(self, stack: AsyncExitStack) -> bool:
        """Work on the jobs of this machine. False where they are for workers on Redis: what those
        have begun, nobody else may touch."""
        if self._archive.config.jobs.redis_url is not None:
            note("No worker has begun it: start `sluice vod worker`. It waits.")
            return False
        worker: LocalQueue = self._archive.worker()
        stack.push_async_callback(worker.stop)
        await worker.start()
        return True

    async def _take(self, job: Job) -> None:
        """No server did it, so perhaps none runs that would."""
        if await self._catalog.outputs.get(job.key) is None:
            try:
                await self._aftermath.take(job)
            except VodUnknown:
                raise fail(f"{job.spec.recording} was deleted meanwhile.") from None


def _patience_s(job: Job) -> float:
    return PATIENCE_S if job.state == "waiting" else SILENCE_S


async def _next(changes: AsyncIterator[Job], job: Job) -> Job:
    """Its next change."""
    while True:
        changed = await anext(changes)
        if changed.key == job.key:
            return changed


class _Bar:
    """How far one job is."""

    def __init__(self, progress: Progress, job: Job) -> None:
        self._progress = progress
        self._task = progress.add_task(f"{job.spec.kind} {job.spec.recording}", total=1.0)
        self._told = job.attempts

    def move(self, job: Job) -> None:
        done = 1.0 if job.state == "done" else job.progress
        self._progress.update(self._task, completed=done)
        if job.state == "waiting" and job.error and job.attempts > self._told:
            self._told = job.attempts
            note(f"Attempt {job.attempts} failed: {job.error} It is tried again.")


async def _no_peaks(vod: Vod, replay: Replay) -> Sequence[Candidate]:
    """Only a server reads the chat."""
    return ()
