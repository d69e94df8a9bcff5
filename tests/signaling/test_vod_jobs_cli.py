"""`sluice vod jobs`, `make` and `worker`. Jobs are real ones, in children."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from recorder.catalog.catalog import Catalog
from recorder.jobs.dramatiq_queue import DramatiqQueue
from recorder.jobs.job import Job
from recorder.jobs.queue import LocalQueue
from recorder.jobs.settings import JobSettings
from recorder.jobs.table import Table
from recorder.work.task import Spec
from tests.chat.redis_servers import RedisServer, redis_server
from tests.signaling.vod_shell import OTHER, VOD, VodShell, vod_shell

NEVER_S = 600.0
WORKER = "from signaling.cli import main; main()"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> VodShell:
    return vod_shell(tmp_path, monkeypatch)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No server runs, and nobody waits for one."""
    monkeypatch.setattr("signaling.vod_jobs_cli.PATIENCE_S", 0.0)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command does nothing itself."""
    monkeypatch.setattr("signaling.vod_jobs_cli.PATIENCE_S", NEVER_S)
    monkeypatch.setattr("signaling.vod_jobs_cli.SILENCE_S", NEVER_S)


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@asynccontextmanager
async def queue_on(shell: VodShell, concurrency: int) -> AsyncIterator[LocalQueue]:
    """As a server has it."""
    queue = LocalQueue(shell.storage, JobSettings(concurrency=concurrency))
    await queue.start()
    try:
        yield queue
    finally:
        await queue.stop()


async def submit(shell: VodShell, *specs: Spec) -> None:
    async with queue_on(shell, 0) as queue:
        for spec in specs:
            await queue.submit(spec)


def test_what_nobody_begins_is_made_here(shell: VodShell, alone: None) -> None:
    shell.record()
    shell.run("adopt")
    said = shell.run("make", VOD, "poster").stdout.splitlines()[-1]
    assert Path(said.removeprefix("Made: ")).is_dir()

    async def poster(catalog: Catalog) -> tuple[str | None, list[str]]:
        vod = await catalog.vods.get(VOD)
        assert vod is not None
        return vod.poster, [one.key for one in await catalog.outputs.of(VOD, "poster")]

    chosen, keys = shell.ask(poster)
    assert keys == [chosen]
    assert shell.run("make", VOD, "poster").stdout == f"{said}\n", "it is not made again"
    [job] = json.loads(shell.run("jobs", "--vod", VOD, "--json").stdout)
    assert (job["state"], job["attempts"]) == ("done", 1)


def test_chapters_come_into_the_catalog_and_into_the_file(shell: VodShell, alone: None) -> None:
    shell.record()
    shell.run("adopt")
    shell.run("make", VOD, "chapters")
    shell.run("make", VOD, "mp4")
    shown = shell.run("show", VOD).stdout
    assert "Chapter 0:00 A title (start)" in shown
    assert "Output mp4" in shown
    assert "Job mp4: done" in shown


def test_what_cannot_be_made_is_told(
    shell: VodShell, alone: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.record(sound=False)
    shell.run("adopt")
    assert "recorder.captions.engine" in shell.run("make", VOD, "captions", expect=1).stderr
    monkeypatch.setenv("SLUICE_RECORDER__CAPTIONS__ENGINE", "pocketsphinx")
    assert "no sound" in shell.run("make", VOD, "captions", expect=1).stderr
    [line] = [one for one in shell.run("jobs").stdout.splitlines() if VOD in one]
    assert "failed" in line
    assert "no sound" in line
    assert "sluice vod list" in shell.run("make", OTHER, "poster", expect=1).stderr


async def test_a_server_that_runs_does_it(shell: VodShell, patient: None) -> None:
    shell.record()
    await asyncio.to_thread(shell.run, "adopt")
    async with queue_on(shell, 1):
        await asyncio.to_thread(shell.run, "make", VOD, "poster")
    async with shell.catalog() as catalog:
        assert await catalog.outputs.of(VOD) == [], "the server takes in what it made"


async def test_a_job_of_a_dead_server_is_taken_over(
    shell: VodShell, alone: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signaling.vod_jobs_cli.SILENCE_S", 0.0)
    shell.record()
    await asyncio.to_thread(shell.run, "adopt")
    await submit(shell, Spec("poster", VOD))
    table = Table(shell.storage, JobSettings())
    claimed = table.claim("a dead one", now_ms=0)
    assert claimed is not None
    table.close()
    await asyncio.to_thread(shell.run, "make", VOD, "poster")
    async with shell.catalog() as catalog:
        assert [one.key for one in await catalog.outputs.of(VOD)] == [claimed.key]


async def test_jobs_are_listed_and_watched_to_their_end(shell: VodShell) -> None:
    shell.record()
    shell.record(OTHER)
    await asyncio.to_thread(shell.run, "adopt")
    await submit(shell, Spec("poster", VOD), Spec("mp4", VOD), Spec("mp4", OTHER))
    listed = await asyncio.to_thread(shell.run, "jobs", "--json")
    assert {(one["spec"]["kind"], one["state"]) for one in json.loads(listed.stdout)} == {
        ("poster", "waiting"),
        ("mp4", "waiting"),
    }
    mine = await asyncio.to_thread(shell.run, "jobs", "--vod", OTHER, "--json")
    assert [one["spec"]["recording"] for one in json.loads(mine.stdout)] == [OTHER]
    async with queue_on(shell, 1):
        watched = await asyncio.to_thread(shell.run, "jobs", "--watch")
    assert watched.stdout.count("100%") == 3
    after = await asyncio.to_thread(shell.run, "jobs")
    assert "3 more are done" in after.stderr


async def test_watching_ends_when_the_recording_is_deleted(
    shell: VodShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signaling.vod_jobs_cli.LOOK_S", 0.05)
    shell.record()
    await asyncio.to_thread(shell.run, "adopt")
    async with queue_on(shell, 0) as queue:
        await queue.submit(Spec("poster", VOD))
        watching = asyncio.create_task(asyncio.to_thread(shell.run, "jobs", "--watch"))
        await queue.forget(VOD)
        assert VOD not in (await watching).stdout


def test_a_worker_needs_redis(shell: VodShell) -> None:
    assert "recorder.jobs.redis_url" in shell.run("worker", expect=1).stderr


@pytest.mark.needs("redis-server")
async def test_a_worker_does_what_is_in_redis(
    shell: VodShell, server: RedisServer, alone: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command that asks waits for it, and touches nothing."""
    monkeypatch.setenv("SLUICE_RECORDER__JOBS__REDIS_URL", server.url)
    shell.record()
    await asyncio.to_thread(shell.run, "adopt")
    queue = DramatiqQueue(server.url, shell.storage)
    await queue.start()
    changes = queue.changes()
    asked = asyncio.create_task(asyncio.to_thread(shell.run, "make", VOD, "poster"))
    waiting = await anext(changes)
    assert waiting.state == "waiting"
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORKER, "vod", "worker", env={**os.environ, "PYTHONPATH": _root()}
    )
    try:
        made = await asked
        assert waiting.key in made.stdout
        assert await _last(queue, waiting.key) == "done"
    finally:
        worker.send_signal(signal.SIGTERM)
        assert await worker.wait() == 0
        await queue.stop()


async def _last(queue: DramatiqQueue, key: str) -> str:
    job: Job | None = await queue.find(key)
    assert job is not None
    return job.state


def _root() -> str:
    return str(Path(__file__).parents[2])
