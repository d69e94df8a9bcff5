"""What becomes of a recording that is over: pictures, chapters, captions, and one file of it all.

Jobs make the outputs, elsewhere and in their own time (recorder/jobs). Here is what is wanted, and
what to do with each that is done. Nothing is remembered: what is wanted is compared with what is
there, so a crash in between only means that it is looked at again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

import msgspec
import structlog

from recorder import chapters as chapter_rules
from recorder.captions import vtt
from recorder.catalog.catalog import Catalog
from recorder.catalog.holding import VodUnknown
from recorder.catalog.outputs import Output
from recorder.catalog.tracks import NewTrack
from recorder.catalog.vods import Vod
from recorder.chapters import Candidate, Chapter, Found
from recorder.jobs.job import Job
from recorder.jobs.outputs import DERIVED, Outputs
from recorder.jobs.queue import JobQueue, QueueDown
from recorder.mp4.text import TextTrack
from recorder.recording import NotARecording, Recording
from recorder.replay import Replay
from recorder.work.task import Kind, Spec, Value
from signaling.vod_texts import marks_of, texts_of
from sluice.clock import Clock
from sluice.database import DatabaseDown
from sluice.metrics import Metrics
from sluice.recorder_config import CaptionsConfig
from sluice.tasks import Tasks

log = structlog.get_logger(__name__)

Peaks = Callable[[Vod, Replay], Awaitable[Sequence[Candidate]]]
"""Moments at which the chat of a VOD grew loud."""

PRIORITIES: Final[Mapping[Kind, int]] = {"poster": 1, "storyboard": 0, "chapters": 0, "captions": 0}
SWEEP_S: Final = 600.0
SWEPT: Final = 100
"""VODs that a sweep looks at: the newest."""
_REST_S: Final = 2.0
LANGUAGES: Final = {"en": "English", "de": "Deutsch", "fr": "Français", "es": "Español"}


class Aftermath:
    """Submits jobs and takes in what they made. Used from the event loop's thread."""

    def __init__(
        self,
        queue: JobQueue,
        catalog: Catalog,
        folder: Path,
        captions: CaptionsConfig,
        clock: Clock,
        metrics: Metrics,
        peaks: Peaks,
    ) -> None:
        self._queue = queue
        self._catalog = catalog
        self._folder = folder
        self._captions = captions
        self._clock = clock
        self._metrics = metrics
        self._peaks = peaks
        self._tasks = Tasks()

    async def start(self) -> None:
        """The queue must run. Raises QueueDown."""
        self._tasks.spawn(self._follow(), "aftermath")
        self._tasks.spawn(self._sweep_forever(), "aftermath-sweep")

    async def stop(self) -> None:
        await self._tasks.close()

    def finished(self, recording: str) -> None:
        """A recording is over."""
        self._tasks.spawn(self._guarded(recording), f"aftermath-{recording}")

    async def look(self, recording: str) -> None:
        """Submit what is wanted of a VOD and not there. Raises as queue and catalog do."""
        vod = await self._catalog.vods.get(recording)
        if vod is None or vod.state == "recording" or vod.duration_ms == 0:
            return
        there = {one.kind for one in await self._catalog.outputs.of(recording)}
        jobs = {one.key: one for one in await self._queue.of(recording)}
        for spec in self.wanted(recording):
            job = await self._queue.submit(spec, priority=PRIORITIES[spec.kind])
            if job.state == "done" and (spec.kind not in there or job.key not in jobs):
                await self.take(job)
        await self._look_for_file(vod)

    def wanted(self, recording: str) -> list[Spec]:
        """What is made of each recording by itself, but the one file, which needs these."""
        specs = [Spec(kind, recording) for kind in ("poster", "storyboard", "chapters")]
        if self._captions.engine != "none":
            specs.append(Spec("captions", recording, self.caption_parameters()))
        return specs

    def caption_parameters(self) -> dict[str, Value]:
        config = self._captions
        return {
            "engine": config.engine,
            "model_dir": "" if config.model is None else str(config.model),
            "language": config.language,
        }

    async def make_file(self, recording: str) -> None:
        """Chapters or captions changed: the one file is made anew, with them."""
        vod = await self._catalog.vods.get(recording)
        if vod is not None and vod.state != "recording":
            await self._look_for_file(vod)

    async def take(self, job: Job) -> None:
        """Put what a settled job made into the catalog; again is harmless. Raises as queue and
        catalog do, VodUnknown, and OSError and ValueError where its files are not as they were."""
        recording, kind = job.spec.recording, job.spec.kind
        if kind == "clip":
            await self._take_clips(job)
        if job.state == "failed":
            log.warning("a job failed", recording=recording, kind=kind, error=job.error)
        else:
            await self._record(job)
            if kind == "poster" and "at_ms" not in job.spec.parameters:
                await self._catalog.vods.set_poster(recording, job.key)
            elif kind == "chapters":
                await self._take_chapters(recording, job.key)
            elif kind == "captions":
                await self._take_captions(job)
        if kind in ("chapters", "captions"):
            await self.make_file(recording)

    async def file_spec(self, vod: Vod) -> Spec:
        """The one file as it would be made now. Raises DatabaseDown, and OSError where captions
        are gone."""
        chapters = await self._catalog.chapters.of(vod.id)
        texts = await texts_of(self._catalog.tracks, self._folder, vod.id)
        return Spec("mp4", vod.id, file_parameters(vod.title, chapters, texts))

    # --- inside

    async def _guarded(self, recording: str) -> None:
        try:
            await self.look(recording)
        except (OSError, NotARecording, QueueDown, DatabaseDown, VodUnknown) as error:
            # The sweep comes back to it.
            log.error("jobs were not submitted", recording=recording, error=str(error))

    async def _sweep_forever(self) -> None:
        while True:
            page = None
            with suppress(DatabaseDown):
                page = await self._catalog.vods.page(limit=SWEPT)
            for vod in page.items if page is not None else ():
                await self._guarded(vod.id)
            await asyncio.sleep(SWEEP_S)

    async def _follow(self) -> None:
        async for job in self._queue.changes():
            if not job.settled:
                continue
            self._metrics.vod_jobs.labels(job.spec.kind, job.state).inc()
            try:
                await self.take(job)
            except (OSError, ValueError, NotARecording, QueueDown, DatabaseDown) as error:
                log.error("what a job made was not taken in", key=job.key, error=str(error))
            except VodUnknown:
                log.info("a job was for a VOD that is deleted", key=job.key)

    async def _record(self, job: Job) -> None:
        recording = job.spec.recording
        folder = self._folder / recording / DERIVED / job.key
        outputs = Outputs(self._folder / recording)
        facts = await asyncio.to_thread(outputs.facts, job.key) or {}
        size = await asyncio.to_thread(_size, folder)
        made_ms = self._clock.wall_ms()
        output = Output(job.key, recording, job.spec.kind, made_ms, size, facts)
        await self._catalog.outputs.put(output)
        if job.spec.kind == "mp4":
            await self._drop_older(recording, outputs, job.key)

    async def _drop_older(self, recording: str, outputs: Outputs, key: str) -> None:
        """Each file is as large as the recording, and only the newest is wanted."""
        for one in await self._catalog.outputs.of(recording, "mp4"):
            if one.key != key:
                await asyncio.to_thread(outputs.remove, one.key)
                await self._catalog.outputs.remove(one.key)

    async def _take_clips(self, job: Job) -> None:
        state: Literal["ready", "failed"] = "ready" if job.state == "done" else "failed"
        for clip in await self._catalog.clips.making():
            if clip.output == job.key:
                await self._catalog.clips.set_state(clip.id, state, job.key)

    async def _take_chapters(self, recording: str, key: str) -> None:
        path = self._folder / recording / DERIVED / key / "candidates.json"
        found = msgspec.json.decode(await asyncio.to_thread(path.read_bytes), type=Found)
        await self.merge_chapters(recording, found)

    async def merge_chapters(self, recording: str, found: Found) -> None:
        vod = await self._catalog.vods.get(recording)
        if vod is None:
            return
        told = await asyncio.to_thread(Recording.read, self._folder / recording)
        replay = await asyncio.to_thread(Replay.of, told)
        peaks = await self._peaks(vod, replay)
        merged = chapter_rules.merge(replay, vod.title, told.marks, found.candidates, peaks)
        await self._catalog.chapters.put_found(recording, merged)

    async def _take_captions(self, job: Job) -> None:
        recording = job.spec.recording
        path = self._folder / recording / DERIVED / job.key / "captions.vtt"
        cues = vtt.read(await asyncio.to_thread(path.read_bytes))
        language = str(job.spec.parameters.get("language") or "en")
        new = NewTrack(
            recording, language, "final", LANGUAGES.get(language, language), output=job.key
        )
        await self._catalog.tracks.put(new, cues, self._clock.wall_ms())

    async def _look_for_file(self, vod: Vod) -> None:
        """The one file, as soon as chapters and captions are there or given up."""
        jobs = await self._queue.of(vod.id)
        waiting = [
            one for one in jobs if one.spec.kind in ("chapters", "captions") and not one.settled
        ]
        if waiting:
            return
        await self._queue.submit(await self.file_spec(vod))


def file_parameters(
    title: str, chapters: Sequence[Chapter], texts: Sequence[TextTrack]
) -> dict[str, Value]:
    """What the one file needs besides the media, as `recorder/work/mp4.py` reads it."""
    return {
        "title": title,
        "chapters": msgspec.json.encode(marks_of(chapters)).decode(),
        "texts": msgspec.json.encode(texts).decode(),
    }


def _size(folder: Path) -> int:
    return sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())
