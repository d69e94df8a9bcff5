"""All that is known of one recording: what its folder says, its catalog, and its jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from recorder.catalog.catalog import Catalog
from recorder.catalog.models import TrackKind
from recorder.catalog.vods import Vod
from recorder.chapters import Chapter
from recorder.jobs.job import Job, State
from recorder.jobs.queue import JobQueue
from recorder.media import LocalMedia
from recorder.recording import Captured, NotARecording, Recording
from recorder.records import Gap
from recorder.replay import Replay
from recorder.store.folder import is_noted
from recorder.work.task import Kind
from signaling.vod_archive import is_growing


class RenditionLine(msgspec.Struct):
    name: str
    codec: str
    width: int
    height: int
    frame_rate: float
    size_bytes: int
    chunks: int
    sealed: int
    """Chunks that are complete."""
    stored: int
    """Chunks that the store has, by the index."""
    local: int
    """Chunks whose file is in the folder."""


class PeriodLine(msgspec.Struct):
    at_ms: int
    """VOD time."""
    stream_ms: int
    """Server time (Unix ms)."""
    duration_ms: int


class GapLine(msgspec.Struct):
    """Of the rendition that leads."""

    stream_ms: int
    duration_ms: int
    lost: bool
    """It came, and could not be written or is damaged."""

    @property
    def end_ms(self) -> int:
        return self.stream_ms + self.duration_ms


class OutputLine(msgspec.Struct):
    kind: Kind
    key: str
    size_bytes: int
    made_ms: int


class CaptionsLine(msgspec.Struct):
    language: str
    label: str
    kind: TrackKind
    words: int


class JobLine(msgspec.Struct):
    kind: Kind
    state: State
    progress: float
    attempts: int
    error: str


class Sheet(msgspec.Struct):
    """Times are Unix ms, or say otherwise."""

    id: str
    channel: str
    title: str
    state: str
    """As in the catalog; `unfinished`: a crash left it open. `unknown`: no catalog has it."""
    trouble: str
    began_ms: int
    ended_ms: int | None
    duration_ms: int
    size_bytes: int
    access: str
    """Empty where no catalog has it."""
    keep_until_ms: int | None
    store: Literal["none of it", "some of it", "all of it"]
    """What the store has, by what is noted here."""
    leader: str
    """The rendition whose breaks are everybody's."""
    renditions: list[RenditionLine]
    periods: list[PeriodLine]
    gaps: list[GapLine]
    outputs: list[OutputLine] = []
    captions: list[CaptionsLine] = []
    chapters: list[Chapter] = []
    clips: int = 0
    jobs: list[JobLine] = []


async def sheet_of(folder: Path, catalog: Catalog, queue: JobQueue) -> Sheet:
    """Of the recording in a folder. Raises OSError, NotARecording, DatabaseDown, QueueDown."""
    vod = await catalog.vods.get(folder.name)
    sheet = await asyncio.to_thread(_from_folder, folder, vod)
    sheet.jobs = job_lines(await queue.of(sheet.id))
    if vod is None:
        return sheet
    sheet.outputs = [
        OutputLine(one.kind, one.key, one.size, one.made_ms)
        for one in await catalog.outputs.of(vod.id)
    ]
    sheet.captions = [
        CaptionsLine(one.language, one.label, one.kind, one.words)
        for one in await catalog.tracks.of(vod.id)
    ]
    sheet.chapters = list(await catalog.chapters.of(vod.id))
    sheet.clips = len((await catalog.clips.page(vod=vod.id, limit=200)).items)
    return sheet


def job_lines(jobs: Sequence[Job]) -> list[JobLine]:
    return [
        JobLine(one.spec.kind, one.state, one.progress, one.attempts, one.error) for one in jobs
    ]


def _from_folder(folder: Path, vod: Vod | None) -> Sheet:
    recording = Recording.read(folder)
    if recording.id != folder.name:
        raise NotARecording(f"The index is of {recording.id!r}, not of its folder.")
    replay = Replay.of(recording)
    growing = is_growing(folder, recording)
    state: str = "unknown" if vod is None else vod.state
    if growing or recording.closed is None:
        state = "recording" if growing else "unfinished"
    return Sheet(
        id=recording.id,
        channel=recording.channel,
        title=recording.title if vod is None else vod.title,
        state=state,
        trouble="" if vod is None else vod.trouble,
        began_ms=recording.began_ms,
        ended_ms=None if recording.closed is None else recording.closed.wall_ms,
        duration_ms=replay.duration_us // 1_000,
        size_bytes=recording.size,
        access="" if vod is None else vod.access,
        keep_until_ms=None if vod is None else vod.keep_until_ms,
        store=_stored(folder, recording),
        leader=replay.leader,
        renditions=[_rendition(one, folder) for one in recording.renditions.values()],
        periods=[
            PeriodLine(one.at_us // 1_000, one.stream_us // 1_000, one.duration_us // 1_000)
            for one in replay.periods
        ],
        gaps=_gaps(recording, replay),
    )


def _rendition(captured: Captured, folder: Path) -> RenditionLine:
    files = list(captured.chunks.values())
    media = LocalMedia(folder)
    largest = max((one.chunk for one in files), key=lambda one: one.height, default=None)
    return RenditionLine(
        captured.name,
        largest.codec if largest else "",
        largest.width if largest else 0,
        largest.height if largest else 0,
        largest.frame_rate if largest else 0.0,
        captured.size,
        len(files),
        sum(one.sealed is not None for one in files),
        sum(one.stored for one in files),
        sum(media.local(one.name) is not None for one in files),
    )


def _gaps(recording: Recording, replay: Replay) -> list[GapLine]:
    captured = recording.renditions.get(replay.leader)
    if captured is None:
        return []
    timescale = replay.lines[replay.leader].timescale
    gaps: list[GapLine] = []
    for session, span in captured.spans:
        if not isinstance(span, Gap) or session not in recording.sessions:
            continue
        begin_ms = recording.sessions[session].origin_ms + span.t * 1_000 // timescale
        end_ms = recording.sessions[session].origin_ms + (span.t + span.d) * 1_000 // timescale
        last = gaps[-1] if gaps else None
        if last is not None and last.lost == span.lost and last.end_ms == begin_ms:
            last.duration_ms = end_ms - last.stream_ms
        else:
            gaps.append(GapLine(begin_ms, end_ms - begin_ms, span.lost))
    return gaps


def _stored(folder: Path, recording: Recording) -> Literal["none of it", "some of it", "all of it"]:
    if is_noted(folder):
        return "all of it"
    files = [file for one in recording.renditions.values() for file in one.chunks.values()]
    return "some of it" if any(one.stored for one in files) else "none of it"
