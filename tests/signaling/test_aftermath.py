"""What is made of a recording that is over, in whatever order the jobs are done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from itertools import permutations
from pathlib import Path

import av
import pytest

from recorder.catalog.adoption import Adoption, Terms
from recorder.catalog.catalog import Catalog
from recorder.catalog.vods import Vod
from recorder.chapters import Candidate, Chapter
from recorder.index import FILE, IndexWriter
from recorder.jobs.job import Job, State
from recorder.jobs.outputs import DERIVED
from recorder.jobs.queue import LocalQueue
from recorder.jobs.settings import JobSettings
from recorder.records import Mark
from recorder.replay import Replay
from recorder.retention import Keeping
from recorder.work.task import Kind, Spec
from signaling.aftermath import Aftermath
from sluice.clock import VirtualClock
from sluice.database import sqlite_url
from sluice.metrics import Metrics
from sluice.recorder_config import CaptionsConfig
from tests.recorder.catalog.world import NOW_MS, lay, records
from tests.signaling.aftermath_world import MADE, OTHER, VOD, World, open_world
from tests.signaling.vod_world import VOD as FILM
from tests.signaling.vod_world import film

ORDERS: list[tuple[Kind, ...]] = list(permutations(("poster", "chapters", "captions")))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path) as opened:
        yield opened


# --- what is asked for


async def test_a_recording_that_is_over_gets_its_jobs(world: World) -> None:
    await world.aftermath.look(VOD)
    assert world.queue.kinds == ["poster", "storyboard", "chapters", "captions"]
    assert [one.priority for one in world.queue.jobs.values()] == [1, 0, 0, 0]
    assert world.queue.of_kind("captions").spec.parameters == {
        "engine": "pocketsphinx",
        "model_dir": "",
        "language": "en",
    }
    await world.aftermath.look(VOD)
    assert len(world.queue.jobs) == 4


async def test_nothing_is_asked_for_what_grows_is_empty_or_unknown(world: World) -> None:
    await world.adopt(live=True)
    lay(world.recordings, OTHER, records(OTHER, seconds=0))
    await world.adopt(OTHER)
    for recording in (VOD, OTHER, "live-20260103-120000-abcdef"):
        await world.aftermath.look(recording)
        await world.aftermath.make_file(recording)
    assert world.queue.jobs == {}


async def test_without_an_engine_there_are_no_captions_to_wait_for(world: World) -> None:
    world.aftermath = world.build(CaptionsConfig())
    await world.aftermath.look(VOD)
    await world.done("chapters")
    assert world.queue.kinds == ["poster", "storyboard", "chapters", "mp4"]


# --- what is done


@pytest.mark.parametrize("order", ORDERS, ids=str)
async def test_jobs_may_be_done_in_any_order(world: World, order: Sequence[Kind]) -> None:
    await world.aftermath.look(VOD)
    for kind in order:
        assert "mp4" not in world.queue.kinds or kind == "poster"
        await world.done(kind)
    await world.done("storyboard")

    vod = await world.catalog.vods.get(VOD)
    assert vod is not None
    assert vod.poster == world.queue.of_kind("poster").key
    chapters = await world.catalog.chapters.of(VOD)
    assert [(one.at_ms, one.source) for one in chapters] == [(0, "start"), (7_000, "scene")]
    (track,) = await world.catalog.tracks.of(VOD)
    assert (track.language, track.kind, track.label) == ("en", "final", "English")
    (found,) = await world.catalog.cues.find(VOD, "roses")
    assert found.from_ms == 1_000
    for kind in MADE:
        if kind not in ("mp4", "clip"):
            (output,) = await world.catalog.outputs.of(VOD, kind)
            assert output.size > sum(map(len, MADE[kind].values()))
            assert output.facts == {"made": True}
    # The one file comes last, and has all of it.
    assert world.queue.kinds.count("mp4") == 1
    titles, cues = world.asked_file()
    assert (len(titles), cues) == (2, ["Red roses"])


@pytest.mark.parametrize("failing", [("captions",), ("chapters",), ("captions", "chapters")])
async def test_what_fails_does_not_hold_up_the_file(world: World, failing: Sequence[Kind]) -> None:
    await world.aftermath.look(VOD)
    kinds: tuple[Kind, ...] = ("chapters", "captions")
    for kind in kinds:
        await (world.failed(kind) if kind in failing else world.done(kind))
    titles, cues = world.asked_file()
    assert bool(titles) == ("chapters" not in failing)
    assert bool(cues) == ("captions" not in failing)
    await world.aftermath.look(VOD)  # what failed is not begun again and again
    assert world.queue.of_kind(failing[0]).state == "failed"


async def test_chapters_are_of_markers_and_of_the_chats_peaks_too(world: World) -> None:
    with IndexWriter(world.recordings / VOD / FILE) as index:
        index.append([Mark(NOW_MS + 6_000, "marker", "Here we go", "Lina")])
    world.peaks.append(Candidate(9_000, 20.0))
    await world.aftermath.look(VOD)
    await world.done("chapters")
    chapters = await world.catalog.chapters.of(VOD)
    assert chapters[1] == Chapter(6_000, "Here we go", "marker")
    assert chapters[-1].source == "chat"


async def test_the_picture_of_a_moment_is_not_the_poster(world: World) -> None:
    await world.queue.submit(Spec("poster", VOD, {"at_ms": 3_000}))
    job = await world.done("poster")
    vod = await world.catalog.vods.get(VOD)
    assert vod is not None
    assert vod.poster is None
    assert await world.outputs("poster") == [job.key]


async def test_a_poster_for_a_longer_recording_takes_the_place_of_the_first(world: World) -> None:
    await world.aftermath.look(VOD)
    first = await world.done("poster")
    (world.recordings / VOD / FILE).unlink()
    (world.recordings / VOD / FILE).write_bytes(
        (lay(world.recordings, OTHER, records(VOD, seconds=20)) / FILE).read_bytes()
    )
    await world.adopt()
    await world.aftermath.look(VOD)
    second = await world.done("poster")
    assert first.key != second.key
    vod = await world.catalog.vods.get(VOD)
    assert vod is not None
    assert vod.poster == second.key


# --- the one file


async def _has_file(world: World) -> Job:
    await world.aftermath.look(VOD)
    for kind in ("chapters", "captions", "mp4"):
        await world.done(kind)
    return world.queue.of_kind("mp4")


async def test_a_newer_file_takes_the_place_of_the_older(world: World) -> None:
    older = await _has_file(world)
    await world.catalog.chapters.edit(VOD, [Chapter(0, "Mine")])
    await world.aftermath.make_file(VOD)
    assert await world.outputs("mp4") == [older.key]  # until there is a better one
    newer = await world.done("mp4")
    assert world.asked_file()[0] == ["Mine"]
    assert await world.outputs("mp4") == [newer.key]
    assert not world.folder(older).exists()
    assert (world.folder(newer) / "video.mp4").exists()


async def test_an_older_file_that_is_done_later_is_not_wanted(world: World) -> None:
    await world.aftermath.look(VOD)
    await world.done("chapters")
    await world.done("captions")
    older = world.queue.of_kind("mp4")
    await world.catalog.chapters.edit(VOD, [Chapter(0, "Mine")])
    await world.aftermath.make_file(VOD)
    newer = await world.done("mp4")
    assert newer.key != older.key
    world.queue.make(older, MADE["mp4"])
    await world.aftermath.take(world.queue.settle(older))
    assert await world.outputs("mp4") == [newer.key]
    assert (world.folder(newer) / "video.mp4").exists()
    assert not world.folder(older).exists()


async def test_an_older_file_is_better_than_none(world: World) -> None:
    await world.aftermath.look(VOD)
    await world.done("chapters")
    await world.done("captions")
    older = world.queue.of_kind("mp4")
    await world.catalog.chapters.edit(VOD, [Chapter(0, "Mine")])
    await world.aftermath.make_file(VOD)
    await world.failed("mp4")
    world.queue.make(older, MADE["mp4"])
    await world.aftermath.take(world.queue.settle(older))
    assert await world.outputs("mp4") == [older.key]


async def test_the_same_wish_makes_no_second_file(world: World) -> None:
    await _has_file(world)
    await world.aftermath.make_file(VOD)
    await world.aftermath.look(VOD)
    assert world.queue.kinds.count("mp4") == 1


async def test_who_edits_chapters_hears_nothing_of_a_queue_that_is_down(world: World) -> None:
    world.queue.down = True
    await world.aftermath.make_file(VOD)
    world.queue.down = False
    (world.recordings / VOD / FILE).write_bytes(b"damaged")
    await world.aftermath.make_file(VOD)
    assert world.queue.jobs == {}


# --- clips


@pytest.mark.parametrize(("state", "becomes"), [("done", "ready"), ("failed", "failed")])
async def test_a_clip_is_ready_or_failed_with_its_job(
    world: World, state: State, becomes: str
) -> None:
    clip, same, other = await world.clip(), await world.clip(), await world.clip(2_000)
    job = world.job_of(clip)
    if state == "done":
        world.queue.make(job, MADE["clip"])
    await world.aftermath.take(world.queue.settle(job, state))
    assert await world.clip_state(clip) == await world.clip_state(same) == becomes
    assert await world.clip_state(other) == "making"
    assert bool(await world.outputs("clip")) == (state == "done")


# --- following the queue


async def test_changes_are_followed(world: World) -> None:
    await world.aftermath.start()
    await asyncio.sleep(0)
    await world.aftermath.look(VOD)
    poster = world.queue.of_kind("poster")
    world.queue.make(poster, MADE["poster"])
    world.queue.settle(poster, "running")
    world.queue.settle(poster)
    world.queue.settle(world.queue.of_kind("storyboard"), "failed")
    await world.queue.heard()
    assert await world.outputs("poster") == [poster.key]
    counted = world.metrics._registry.get_sample_value
    for kind, state in (("poster", "done"), ("storyboard", "failed")):
        labels = {"kind": kind, "state": state}
        assert counted("sluice_vod_jobs_total", labels) == 1
    assert world.settled == 2


@pytest.mark.parametrize(
    "broken", [b"", b"\xff\xfe", b'{"candidates": 5}', b"not captions", b"WEBVTT\n\nx --> y\n"]
)
async def test_an_output_that_cannot_be_read_is_in_nobodys_way(world: World, broken: bytes) -> None:
    await world.aftermath.start()
    await asyncio.sleep(0)
    await world.aftermath.look(VOD)
    for job, name in (
        (world.queue.of_kind("chapters"), "candidates.json"),
        (world.queue.of_kind("captions"), "captions.vtt"),
    ):
        world.queue.make(job, {name: broken})
        world.queue.settle(job)
    poster = world.queue.of_kind("poster")
    world.queue.make(poster, MADE["poster"])
    world.queue.settle(poster)
    await world.queue.heard()
    assert await world.outputs("poster") == [poster.key]
    assert await world.catalog.tracks.of(VOD) == []


async def test_what_could_not_be_taken_in_is_taken_in_later(world: World) -> None:
    await world.aftermath.start()
    await asyncio.sleep(0)
    await world.aftermath.look(VOD)
    job = world.queue.of_kind("chapters")
    folder = world.queue.make(job, {"candidates.json": b"{"})
    world.queue.settle(job)
    await world.queue.heard()
    assert await world.catalog.chapters.of(VOD) == []
    (folder / "candidates.json").write_bytes(MADE["chapters"]["candidates.json"])
    await world.aftermath.look(VOD)
    assert len(await world.catalog.chapters.of(VOD)) == 2
    assert await world.outputs("chapters") == [job.key]


async def test_a_job_of_what_was_deleted_changes_nothing(world: World) -> None:
    await world.aftermath.start()
    await asyncio.sleep(0)
    clip = await world.clip()
    await world.aftermath.look(VOD)
    await world.catalog.deletions.delete_vod(VOD, "", "owner", NOW_MS, keep_clips=True)
    for job in list(world.queue.jobs.values()):
        world.queue.make(job, MADE[job.spec.kind])
        world.queue.settle(job)
    await world.queue.heard()
    assert await world.catalog.vods.get(VOD) is None
    assert await world.catalog.clips.get(clip.id) is None
    assert await world.catalog.outputs.of(VOD) == []
    assert await world.catalog.tracks.of(VOD) == []
    assert "mp4" not in world.queue.kinds


# --- the sweep


async def test_the_sweep_asks_for_what_is_missing(world: World) -> None:
    lay(world.recordings, OTHER, records(OTHER))
    await world.adopt(OTHER)
    await world.aftermath.sweep()
    wanted = {"poster", "storyboard", "chapters", "captions"}
    for recording in (VOD, OTHER):
        assert {one.spec.kind for one in await world.queue.of(recording)} == wanted


async def test_one_that_cannot_be_read_does_not_stop_the_sweep(world: World) -> None:
    lay(world.recordings, OTHER, records(OTHER))
    await world.adopt(OTHER)
    (world.recordings / OTHER / FILE).write_bytes(b"damaged")
    await world.aftermath.sweep()
    assert await world.queue.of(OTHER) == []
    assert len(await world.queue.of(VOD)) == 4


async def test_the_sweep_takes_in_what_is_there_and_not_in_the_catalog(world: World) -> None:
    """As after a crash between the two, or of a catalog that was lost."""
    await world.aftermath.look(VOD)
    for job in list(world.queue.jobs.values()):
        world.queue.make(job, MADE[job.spec.kind])
        world.queue.settle(job, tell=False)
    await world.aftermath.look(VOD)
    file = world.queue.of_kind("mp4")
    world.queue.make(file, MADE["mp4"])
    world.queue.settle(file, tell=False)
    await world.aftermath.sweep()
    kinds = sorted(one.kind for one in await world.catalog.outputs.of(VOD))
    assert kinds == ["captions", "chapters", "mp4", "poster", "storyboard"]
    assert len(await world.catalog.chapters.of(VOD)) == 2
    assert len(await world.catalog.tracks.of(VOD)) == 1


async def test_the_sweep_finds_clips_whose_end_nobody_heard(world: World) -> None:
    done, failed, running, lost = [await world.clip(1_000 * number) for number in range(4)]
    world.queue.make(world.job_of(done), MADE["clip"])
    world.queue.settle(world.job_of(done), tell=False)
    world.queue.settle(world.job_of(failed), "failed", tell=False)
    world.queue.settle(world.job_of(running), "running", tell=False)
    del world.queue.jobs[world.job_of(lost).key]
    await world.aftermath.sweep()
    states = [await world.clip_state(one) for one in (done, failed, running, lost)]
    assert states == ["ready", "failed", "making", "failed"]


# --- with real jobs


class Waited(Aftermath):
    """Says when something was taken in."""

    taken: asyncio.Queue[Kind]

    async def take(self, job: Job) -> None:
        await super().take(job)
        self.taken.put_nowait(job.spec.kind)


async def test_real_jobs_make_all_of_a_real_recording(tmp_path: Path) -> None:
    film(tmp_path)
    recordings = tmp_path / "recordings"
    catalog = Catalog.at(sqlite_url(tmp_path / "catalog.db"))
    await catalog.open()
    terms = Terms("public", Keeping(0, 0, keep_clips=True))
    await Adoption(catalog.vods, recordings, lambda channel: terms).adopt(FILM)
    queue = LocalQueue(tmp_path, JobSettings(concurrency=1))

    async def no_peaks(vod: Vod, replay: Replay) -> Sequence[Candidate]:
        return ()

    aftermath = Waited(
        queue, catalog, recordings, CaptionsConfig(), VirtualClock(), Metrics(), no_peaks
    )
    aftermath.taken = asyncio.Queue()
    await queue.start()
    await aftermath.start()
    try:
        aftermath.finished(FILM)
        missing = {"poster", "storyboard", "chapters", "mp4"}
        async with asyncio.timeout(120):
            while missing:
                missing.discard(await aftermath.taken.get())
        outputs = {one.kind: one for one in await catalog.outputs.of(FILM)}
        vod = await catalog.vods.get(FILM)
        assert vod is not None
        assert vod.poster == outputs["poster"].key
        assert outputs["mp4"].facts["duration_ms"] == 7_000
        path = recordings / FILM / DERIVED / outputs["mp4"].key / "video.mp4"
        with av.open(str(path)) as container:
            assert [one["metadata"]["title"] for one in container.chapters()] == ["A title"]
            assert sum(1 for _ in container.decode(video=0)) == 7 * 30
    finally:
        await aftermath.stop()
        await queue.stop()
        await catalog.close()
