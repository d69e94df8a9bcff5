"""What becomes of a recording that is over: pictures, chapters, captions, and one file of it all.

Jobs make the outputs, elsewhere and in their own time (recorder/jobs). Here is what is wanted, and
what to do with each that is done. Nothing is remembered: what is wanted is compared with what is
there, so a crash in between only means that it is looked at again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, Literal

import msgspec
import structlog

from recorder import chapters as chapter_rules
from recorder.captions import vtt
from recorder.catalog.catalog import Catalog
from recorder.catalog.clips import Clip
from recorder.catalog.holding import VodUnknown
from recorder.catalog.outputs import Output
from recorder.catalog.tracks import NewTrack
from recorder.catalog.vods import Vod
from recorder.chapters import Candidate, Chapter, Found
from recorder.jobs.job import Job
from recorder.jobs.key import Extent
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
        settled: Callable[[], None] | None = None,
    ) -> None:
        """`settled` hears of every job that is over, once what it made was taken in."""
        self._settled = settled
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
        self._tasks.spawn(
            self._guarded(recording, partial(self.look, recording)), f"aftermath-{recording}"
        )

    async def look(self, recording: str) -> None:
        """Submit what is wanted of a VOD and not there. Raises as queue and catalog do, OSError
        and NotARecording."""
        vod = await self._catalog.vods.get(recording)
        if vod is None or vod.state == "recording" or vod.duration_ms == 0:
            return
        # Read once for all: of a long recording, that is the most of the work.
        extent = await asyncio.to_thread(_extent, self._folder / recording)
        for spec in self.wanted(recording):
            priority = PRIORITIES[spec.kind]
            await self._catch_up(await self._queue.submit(spec, priority=priority, extent=extent))
        await self._make_file(recording, extent)

    async def sweep(self) -> None:
        """Look at all that may have been missed. Raises DatabaseDown."""
        for vod in (await self._catalog.vods.page(limit=SWEPT)).items:
            await self._guarded(vod.id, partial(self.look, vod.id))
        for clip in await self._catalog.clips.making():
            await self._guarded(clip.id, partial(self._look_for_clip, clip))

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
        """Chapters or captions changed: the one file is made anew, with them. Where that cannot
        be now, the sweep does it."""
        await self._guarded(recording, partial(self._make_file, recording))

    async def take(self, job: Job) -> None:
        """Put what a settled job made into the catalog; again is harmless. Raises as queue and
        catalog do, VodUnknown, and OSError and ValueError where its files are not as they were."""
        recording, kind = job.spec.recording, job.spec.kind
        if kind == "clip":
            await self._take_clips(job)
        if job.state == "failed":
            log.warning("a job failed", recording=recording, kind=kind, error=job.error)
        elif kind == "mp4":
            await self._take_file(job)
        else:
            if kind == "poster" and "at_ms" not in job.spec.parameters:
                await self._catalog.vods.set_poster(recording, job.key)
            elif kind == "chapters":
                await self._take_chapters(recording, job.key)
            elif kind == "captions":
                await self._take_captions(job)
            # At last: an output that is in the catalog is not looked at again.
            await self._record(job)
        if kind in ("chapters", "captions"):
            await self.make_file(recording)

    async def file_spec(self, vod: Vod) -> Spec:
        """The one file as it would be made now. Raises DatabaseDown, and OSError where captions
        are gone."""
        chapters = await self._catalog.chapters.of(vod.id)
        texts = await texts_of(self._catalog.tracks, self._folder, vod.id)
        return Spec("mp4", vod.id, file_parameters(vod.title, chapters, texts))

    # --- inside

    async def _guarded(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """The sweep comes back to what failed."""
        try:
            await work()
        except VodUnknown:
            log.info("a VOD was deleted meanwhile", of=name)
        except (OSError, NotARecording, QueueDown, DatabaseDown) as error:
            log.error("jobs were not submitted, or not taken in", of=name, error=str(error))
        except Exception:
            # What one job made must not end the care for the others.
            log.exception("jobs were not submitted, or not taken in", of=name)

    async def _sweep_forever(self) -> None:
        while True:
            with suppress(DatabaseDown):
                await self.sweep()
            await asyncio.sleep(SWEEP_S)

    async def _catch_up(self, job: Job) -> None:
        """Take it in if it was done while nobody listened."""
        if job.state == "done" and await self._catalog.outputs.get(job.key) is None:
            await self.take(job)

    async def _look_for_clip(self, clip: Clip) -> None:
        """One that is being made, as the catalog says: its job may be over, or forgotten."""
        job = None if clip.output is None else await self._queue.find(clip.output)
        if job is None:
            await self._catalog.clips.set_state(clip.id, "failed", clip.output)
        elif job.settled:
            await self.take(job)

    async def _follow(self) -> None:
        async for job in self._queue.changes():
            if not job.settled:
                continue
            self._metrics.vod_jobs.labels(job.spec.kind, job.state).inc()
            await self._guarded(job.key, partial(self.take, job))
            if self._settled is not None:
                self._settled()

    async def _record(self, job: Job) -> None:
        recording = job.spec.recording
        folder = self._folder / recording / DERIVED / job.key
        outputs = Outputs(self._folder / recording)
        facts = await asyncio.to_thread(outputs.facts, job.key) or {}
        size = await asyncio.to_thread(_size, folder)
        made_ms = self._clock.wall_ms()
        output = Output(job.key, recording, job.spec.kind, made_ms, size, facts)
        await self._catalog.outputs.put(output)

    async def _take_file(self, job: Job) -> None:
        """Each file is as large as the recording, so only one is kept: what is wanted now."""
        recording = job.spec.recording
        outputs = Outputs(self._folder / recording)
        wanted = await self._submit_file(recording)
        if wanted is not None and wanted.key != job.key and wanted.state != "failed":
            # It was asked for earlier, and done later.
            await asyncio.to_thread(outputs.remove, job.key)
            await self._catalog.outputs.remove(job.key)
            return
        await self._record(job)
        for one in await self._catalog.outputs.of(recording, "mp4"):
            if one.key != job.key:
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

    async def _make_file(self, recording: str, extent: Extent | None = None) -> None:
        job = await self._submit_file(recording, extent)
        if job is not None:
            await self._catch_up(job)

    async def _submit_file(self, recording: str, extent: Extent | None = None) -> Job | None:
        """The job of the one file; None until chapters and captions are there or given up."""
        vod = await self._catalog.vods.get(recording)
        if vod is None or vod.state == "recording" or vod.duration_ms == 0:
            return None
        for job in await self._queue.of(recording):
            if job.spec.kind in ("chapters", "captions") and not job.settled:
                return None
        return await self._queue.submit(await self.file_spec(vod), extent=extent)


def file_parameters(
    title: str, chapters: Sequence[Chapter], texts: Sequence[TextTrack]
) -> dict[str, Value]:
    """What the one file needs besides the media, as `recorder.work.mp4` reads it."""
    return {
        "title": title,
        "chapters": msgspec.json.encode(marks_of(chapters)).decode(),
        "texts": msgspec.json.encode(texts).decode(),
    }


def _extent(folder: Path) -> Extent:
    return Extent.of(Replay.of(Recording.read(folder)))


def _size(folder: Path) -> int:
    return sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())
