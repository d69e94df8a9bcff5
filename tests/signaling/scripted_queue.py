"""A job queue without workers: a test says what becomes of each job.

queue = ScriptedQueue(recordings)
job = await queue.submit(Spec("poster", recording))
queue.make(job, {"poster.jpg": b"..."}); queue.settle(job); await queue.heard()
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from recorder.jobs.job import Job, State
from recorder.jobs.key import Extent, key_of
from recorder.jobs.outputs import DERIVED, FACTS, Outputs
from recorder.jobs.queue import QueueDown
from recorder.recording import NotARecording, Recording
from recorder.replay import Replay
from recorder.work.task import Kind, Spec


class ScriptedQueue:
    """A JobQueue on real recordings, with real keys and outputs."""

    def __init__(self, recordings: Path) -> None:
        self.jobs: dict[str, Job] = {}
        self.down = False
        """When set, it cannot be reached."""
        self._recordings = recordings
        self._submitted = asyncio.Event()
        self._followers: list[_Follower] = []

    async def start(self) -> None:
        return None

    async def stop(self) -> None:
        return None

    async def submit(
        self,
        spec: Spec,
        *,
        priority: int = 0,
        again: bool = False,
        extent: Extent | None = None,
    ) -> Job:
        self._check()
        folder = self._recordings / spec.recording
        try:
            extent = extent or Extent.of(Replay.of(Recording.read(folder)))
        except OSError as error:
            raise NotARecording(str(error)) from error
        key = key_of(spec, 1, extent)
        there = Outputs(folder).find(key) is not None
        job = self.jobs.get(key)
        if job is None:
            number = len(self.jobs) + 1
            job = Job(number, key, spec, 1, "waiting", 0.0, 0, priority, 0)
        if there:
            job = replace(job, state="done")
        elif job.state == "done" or (job.state == "failed" and again):
            job = replace(job, state="waiting")
        self.jobs[key] = job
        self._submitted.set()
        return job

    async def find(self, key: str) -> Job | None:
        self._check()
        return self.jobs.get(key)

    async def of(self, recording: str) -> Sequence[Job]:
        self._check()
        return [one for one in self.jobs.values() if one.spec.recording == recording]

    async def forget(self, recording: str) -> None:
        for job in await self.of(recording):
            del self.jobs[job.key]

    def changes(self) -> AsyncIterator[Job]:
        follower = _Follower()
        self._followers.append(follower)
        return follower

    # --- what tests call

    def of_kind(self, kind: Kind) -> Job:
        """The newest."""
        return [one for one in self.jobs.values() if one.spec.kind == kind][-1]

    @property
    def kinds(self) -> list[Kind]:
        return [one.spec.kind for one in self.jobs.values()]

    async def until(self, count: int) -> None:
        """There are so many jobs."""
        while len(self.jobs) < count:
            self._submitted.clear()
            await self._submitted.wait()

    def make(self, job: Job, files: Mapping[str, bytes]) -> Path:
        """Its output is there."""
        folder = self._recordings / job.spec.recording / DERIVED / job.key
        folder.mkdir(parents=True)
        for name, data in files.items():
            (folder / name).write_bytes(data)
        (folder / FACTS).write_text(json.dumps({"made": True}))
        return folder

    def settle(self, job: Job, state: State = "done", *, tell: bool = True) -> Job:
        """It ends. Without `tell` nobody listens at this moment."""
        job = self.jobs[job.key] = replace(self.jobs.get(job.key, job), state=state)
        if tell:
            for one in self._followers:
                one.put(job)
        return job

    async def heard(self) -> None:
        """Until all that was told is dealt with."""
        async with asyncio.timeout(30):
            for one in self._followers:
                await one.told.join()

    def _check(self) -> None:
        if self.down:
            raise QueueDown("The queue is down.")


class _Follower(AsyncIterator[Job]):
    """Who asks for the next change is done with the one before."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[Job] = asyncio.Queue()
        self._holds = False

    def put(self, job: Job) -> None:
        self.told.put_nowait(job)

    async def __anext__(self) -> Job:
        if self._holds:
            self._holds = False
            self.told.task_done()
        job = await self.told.get()
        self._holds = True
        return job
