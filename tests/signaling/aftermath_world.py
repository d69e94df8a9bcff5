"""A recording that is over, its catalog, and jobs that end as a test says."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from recorder.catalog.adoption import Adoption, Terms
from recorder.catalog.catalog import Catalog
from recorder.catalog.clips import Clip, Stretch
from recorder.catalog.vods import Vod
from recorder.chapters import Candidate
from recorder.jobs.job import Job
from recorder.jobs.outputs import DERIVED
from recorder.replay import Replay
from recorder.retention import Keeping
from recorder.work.task import Kind, Spec
from signaling.aftermath import Aftermath
from sluice.clock import VirtualClock
from sluice.database import sqlite_url
from sluice.metrics import Metrics
from sluice.recorder_config import CaptionsConfig
from tests.recorder.catalog.world import NOW_MS, lay, records
from tests.signaling.scripted_queue import ScriptedQueue

VOD = "live-20260101-120000-abcdef"
OTHER = "live-20260102-120000-abcdef"
MADE: dict[Kind, dict[str, bytes]] = {
    "poster": {"poster.jpg": b"large", "small.jpg": b"small"},
    "storyboard": {"storyboard.vtt": b"WEBVTT\n"},
    "chapters": {"candidates.json": b'{"candidates": [{"at_ms": 7000, "score": 1.0}]}'},
    "captions": {"captions.vtt": b"WEBVTT\n\n00:01.000 --> 00:02.000\nRed roses\n"},
    "mp4": {"video.mp4": b"one file"},
    "clip": {"clip.mp4": b"a clip", "poster.jpg": b"large"},
}


@dataclass
class World:
    """A folder with a recording, its catalog, and a queue that a test plays."""

    recordings: Path
    catalog: Catalog
    queue: ScriptedQueue
    metrics: Metrics = field(default_factory=Metrics)
    peaks: list[Candidate] = field(default_factory=list)
    """Of the chat."""
    settled: int = 0
    """Jobs that were said to be over, and taken in."""
    aftermath: Aftermath = field(init=False)

    def __post_init__(self) -> None:
        self.aftermath = self.build(CaptionsConfig(engine="pocketsphinx"))

    def build(self, captions: CaptionsConfig) -> Aftermath:
        async def find_peaks(vod: Vod, replay: Replay) -> Sequence[Candidate]:
            return self.peaks

        def count() -> None:
            self.settled += 1

        return Aftermath(
            self.queue,
            self.catalog,
            self.recordings,
            captions,
            VirtualClock(),
            self.metrics,
            find_peaks,
            count,
        )

    async def adopt(self, recording: str = VOD, *, live: bool = False) -> Vod:
        terms = Terms("public", Keeping(0, 0, keep_clips=True))
        adoption = Adoption(self.catalog.vods, self.recordings, lambda channel: terms)
        vod = await adoption.adopt(recording, live=live)
        assert vod is not None
        return vod

    async def done(self, kind: Kind) -> Job:
        """The job of this kind is done, and taken in."""
        job = self.queue.of_kind(kind)
        self.queue.make(job, MADE[kind])
        await self.aftermath.take(self.queue.settle(job))
        return job

    async def failed(self, kind: Kind) -> None:
        await self.aftermath.take(self.queue.settle(self.queue.of_kind(kind), "failed"))

    async def clip(self, from_ms: int = 0) -> Clip:
        """Asked for, and on its way."""
        job = await self.queue.submit(Spec("clip", VOD, {"from_ms": from_ms}))
        return await self.catalog.clips.create(
            Stretch(VOD, from_ms, from_ms + 1_000, "A clip", "", job.key), NOW_MS
        )

    def job_of(self, clip: Clip) -> Job:
        assert clip.output is not None
        return self.queue.jobs[clip.output]

    async def clip_state(self, clip: Clip) -> str:
        found = await self.catalog.clips.get(clip.id)
        assert found is not None
        return found.state

    async def outputs(self, kind: Kind) -> list[str]:
        return [one.key for one in await self.catalog.outputs.of(VOD, kind)]

    def folder(self, job: Job) -> Path:
        return self.recordings / job.spec.recording / DERIVED / job.key

    def asked_file(self) -> tuple[list[str], list[str]]:
        """What the newest job of the one file was told: titles of chapters, and captions."""
        parameters = self.queue.of_kind("mp4").spec.parameters
        chapters = json.loads(str(parameters["chapters"]))
        texts = json.loads(str(parameters["texts"]))
        cues = [cue["text"] for one in texts for cue in one["cues"]]
        return [one["title"] for one in chapters], cues


@asynccontextmanager
async def open_world(storage: Path) -> AsyncIterator[World]:
    recordings = storage / "recordings"
    lay(recordings, VOD, records(VOD))
    catalog = Catalog.at(sqlite_url(storage / "catalog.db"))
    await catalog.open()
    world = World(recordings, catalog, ScriptedQueue(recordings))
    await world.adopt()
    try:
        yield world
    finally:
        await world.aftermath.stop()
        await catalog.close()
