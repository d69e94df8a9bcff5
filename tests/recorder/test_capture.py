"""What is handed over is on the disk, and nobody waits for it."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from pathlib import Path

import av
import msgspec
import pytest

from recorder import index
from recorder.capture import Capture, Trouble
from recorder.disk import LocalDisk
from recorder.recording import NotARecording, Recording
from recorder.records import Began, Closed, Gap, Mark, Part, Session
from recorder.replay import Replay
from sluice.clock import VirtualClock
from tests.recorder.fragments import FRAMES, ORIGIN_MS, Shot, picture, sound
from tests.recorder.small_disk import small_disk, stoppable_disk
from tests.recorder.studio import (
    BEGAN,
    SETTINGS,
    Studio,
    fault_of,
    frames_of,
    named,
    parts_of,
    record,
)

MIB = 1 << 20
SMALL = 4_000
"""Bytes of the queue for all that is no media; less than any part."""


class Gate(LocalDisk):
    """A disk whose syncs wait as long as it is shut."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.waits = threading.Event()

    def sync(self, file: int) -> None:
        self.waits.set()
        assert self.open.wait(60)
        super().sync(file)

    async def shut(self, studio: Studio, shot: Shot) -> None:
        """The writer is inside of a sync when this returns; `shot` is what it writes."""
        self.waits.clear()
        self.open.clear()
        studio.hand(shot)
        await asyncio.to_thread(self.waits.wait)


def gaps_of(folder: Path, rendition: str) -> list[Gap]:
    spans = Recording.read(folder).renditions[rendition].spans
    return [span for _, span in spans if isinstance(span, Gap)]


async def test_all_that_was_handed_over_can_be_played(tmp_path: Path) -> None:
    studio = Studio(tmp_path / "r")
    await studio.open()
    played = studio.play(10)
    await studio.close()
    for reel in studio.reels:
        assert parts_of(studio.folder)[reel.name] == named(played, reel.name)
        frames = sum(shot.frames for shot in played if shot.rendition == reel.name)
        assert frames_of(studio.folder)[reel.name] == frames
    assert fault_of(studio.folder) == ""
    recording = Recording.read(studio.folder)
    assert (recording.id, recording.title) == (BEGAN.recording, BEGAN.title)
    assert recording.sessions == {1: Session(1, "one", ORIGIN_MS)}
    assert recording.closed == Closed(studio.clock.wall_ms(), "end")
    assert studio.lasting == index.read(studio.folder / index.FILE).records[1:]


async def test_chunks_are_movies_of_their_own(tmp_path: Path) -> None:
    await record(tmp_path / "r", 10)
    for path in sorted((tmp_path / "r").glob("source-*.mp4")):
        with av.open(str(path)) as container:
            frames = sum(1 for _ in container.decode(video=0))
        assert frames == (120 if path.name < "source-000003.mp4" else 60)


async def test_the_index_says_what_the_bridge_said(tmp_path: Path) -> None:
    studio = Studio(tmp_path / "r", reels=[picture()])
    capture = await studio.open()
    first, second = picture().segment(0)
    studio.hand(first, discontinuity=True)
    studio.hand(second)
    msn = first.msn
    capture.add_gap("source", msn + 1, 0, 90_000, 45_000, discontinuity=False)
    capture.mark(Mark(7, "marker", "Goal", "ann"))
    capture.stored("source", 1)
    await studio.close("stopped")
    recording = Recording.read(studio.folder)
    source = recording.renditions["source"]
    track = picture().track
    chunk = source.chunks[1].chunk
    assert (chunk.codec, chunk.timescale, chunk.frame_rate) == (track.codec, 90_000, 30.0)
    assert (chunk.width, chunk.height) == (track.width, track.height)
    assert (chunk.map, chunk.init) == (0, picture().init)
    spans = [span for _, span in source.spans]
    assert isinstance(spans[0], Part)
    assert isinstance(spans[1], Part)
    assert (spans[0].t, spans[0].d, spans[0].i, spans[0].x) == (0, 45_000, True, True)
    assert (spans[1].t, spans[1].d, spans[1].i, spans[1].x) == (45_000, 45_000, False, False)
    assert spans[2] == Gap("source", msn + 1, 0, 90_000, 45_000)
    assert recording.marks == [Mark(7, "marker", "Goal", "ann")]
    assert source.chunks[1].stored
    assert recording.closed is not None
    assert recording.closed.reason == "stopped"


async def test_another_size_begins_a_chunk_and_a_period(tmp_path: Path) -> None:
    studio = Studio(tmp_path / "r", reels=[picture()])
    capture = await studio.open()
    studio.play(2)
    small = picture("source", 90)
    capture.set_init("source", 1, small.init, small.track)
    studio.reels = [small]
    studio.play(2, first=2)
    await studio.close()
    replay = Replay.of(Recording.read(studio.folder))
    assert [len(period.slots) for period in replay.periods] == [2, 2]
    assert [chunk.height for chunk in replay.lines["source"].chunks.values()] == [180, 90]
    assert frames_of(studio.folder) == {"source": 8 * FRAMES}


async def test_the_same_init_segment_again_changes_nothing(tmp_path: Path) -> None:
    studio = Studio(tmp_path / "r")
    capture = await studio.open()
    studio.play(1)
    for reel in studio.reels:
        capture.set_init(reel.name, 0, reel.init, reel.track)
    studio.play(1, first=1)
    await studio.close()
    chunks = [one.chunks for one in Recording.read(studio.folder).renditions.values()]
    assert [len(one) for one in chunks] == [1, 1, 1]


async def test_two_sessions_of_one_recorder(tmp_path: Path) -> None:
    studio = Studio(tmp_path / "r")
    await studio.open()
    studio.play(2)
    studio.begin("two", ORIGIN_MS + 60_000)
    studio.play(2, origin_ms=ORIGIN_MS + 60_000)
    await studio.close()
    recording = Recording.read(studio.folder)
    assert [one.epoch for one in recording.sessions.values()] == ["one", "two"]
    assert Replay.of(recording).duration_us == 4_000_000
    assert fault_of(studio.folder) == ""


async def test_a_recording_goes_on_after_a_restart(tmp_path: Path) -> None:
    before = await record(tmp_path / "r", 5)
    studio = Studio(tmp_path / "r")
    await studio.open("two", ORIGIN_MS + 60_000)
    assert Recording.read(studio.folder).renditions["source"].chunks[2].sealed is not None
    after = studio.play(5, origin_ms=ORIGIN_MS + 60_000)
    await studio.close()
    recording = Recording.read(studio.folder)
    assert recording.sessions[2] == Session(2, "two", ORIGIN_MS + 60_000)
    assert parts_of(studio.folder)["audio"] == named([*before, *after], "audio")
    assert list(recording.renditions["source"].chunks) == [1, 2, 3, 4]
    assert frames_of(studio.folder)["source"] == 20 * FRAMES
    assert fault_of(studio.folder) == ""


async def test_another_recording_in_the_folder_is_left_alone(tmp_path: Path) -> None:
    await record(tmp_path / "r", 1)
    before = (tmp_path / "r" / index.FILE).read_bytes()
    for other in (
        msgspec.structs.replace(BEGAN, channel="park"),
        msgspec.structs.replace(BEGAN, recording="garden-20260921-120000-zzzzzz"),
    ):
        with pytest.raises(NotARecording, match="channel garden"):
            await opened(tmp_path / "r", other)
    assert (tmp_path / "r" / index.FILE).read_bytes() == before
    await opened(tmp_path / "r", BEGAN)


async def test_two_recorders_on_one_folder_are_not_let_in(tmp_path: Path) -> None:
    studio = Studio(tmp_path / "r")
    await studio.open()
    with pytest.raises(BlockingIOError):
        await opened(tmp_path / "r", BEGAN)
    studio.play(1)
    await studio.close()
    assert fault_of(studio.folder) == ""


async def test_media_without_an_index_is_not_written_over(tmp_path: Path) -> None:
    await record(tmp_path / "r", 1)
    (tmp_path / "r" / index.FILE).unlink()
    with pytest.raises(NotARecording, match="repair"):
        await opened(tmp_path / "r", BEGAN)


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"Not a directory|File exists"):
        await opened(tmp_path / "file" / "r", BEGAN)


async def test_an_opening_that_nobody_waits_for_is_undone(tmp_path: Path) -> None:
    opening = asyncio.create_task(opened(tmp_path / "r", BEGAN))
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    while True:
        try:
            await opened(tmp_path / "r", BEGAN)
            break
        except BlockingIOError:  # it is about to let go
            await asyncio.sleep(0)


async def test_what_cannot_be_is_refused_at_once(tmp_path: Path) -> None:
    studio = Studio(tmp_path / "r", reels=[])
    capture = await studio.open()
    reel = picture()
    for name in ("", "../source", "Source", "a/b", "a" * 40):
        with pytest.raises(ValueError, match="name of a rendition"):
            capture.set_init(name, 0, reel.init, reel.track)
    with pytest.raises(KeyError):
        studio.hand(reel.segment(0)[0])
    capture.set_init("source", 0, reel.init, reel.track)
    studio.hand(reel.segment(0)[0])
    capture.begin_session("two", ORIGIN_MS)
    with pytest.raises(KeyError):
        studio.hand(reel.segment(1)[0])
    await studio.close()


async def test_after_the_end_nothing_is_added(tmp_path: Path) -> None:
    studio = Studio(tmp_path / "r")
    capture = await studio.open()
    studio.play(1)
    await studio.close()
    before = (studio.folder / index.FILE).read_bytes()
    studio.play(1, first=1)
    capture.add_gap("source", 5, 0, 0, 1, discontinuity=False)
    capture.mark(Mark(1, "marker", ""))
    await studio.close("stopped")
    assert (studio.folder / index.FILE).read_bytes() == before
    assert capture.health.closed


async def test_a_slow_disk_loses_parts_and_delays_nobody(tmp_path: Path) -> None:
    """All of this happens in the event loop while the disk does not move at all."""
    gate, reels = Gate(), [picture(), sound()]
    shots = [shot for number in range(8) for reel in reels for shot in reel.segment(number)]
    room = sum(len(shot.data) + 256 for shot in shots[:9])
    studio = Studio(tmp_path / "r", replace(SETTINGS, queue_bytes=room), disk=gate, reels=reels)
    capture = await studio.open()
    await gate.shut(studio, shots[0])
    for shot in shots[1:28]:
        studio.hand(shot)
    studio.clock.advance(5_000)
    health = capture.health
    assert health.waiting_ms == 5_000
    assert health.queued_bytes <= room
    assert health.lost_parts >= 18
    assert health.parts == 0
    await asyncio.sleep(0)
    assert [trouble.kind for trouble in studio.troubles] == ["too slow"], "told once"
    gate.open.set()
    studio.troubles.clear()
    await studio.written(9)
    for shot in shots[28:]:
        studio.hand(shot)
    await studio.close()

    assert fault_of(studio.folder) == ""
    there = parts_of(studio.folder)
    for reel in reels:
        mine = [shot for shot in shots if shot.rendition == reel.name]
        lost = [shot for shot in mine if (shot.msn, shot.part) not in there[reel.name]]
        assert lost
        gaps = gaps_of(studio.folder, reel.name)
        assert all(gap.lost for gap in gaps)
        told = [(gap.t, gap.t + gap.d) for gap in gaps]
        for shot in lost:
            assert any(begin <= shot.time < end for begin, end in told)
        kept = [shot for shot in mine if shot not in lost]
        assert not any(begin <= shot.time < end for shot in kept for begin, end in told)
        assert len(gaps) <= 2, "a run of lost parts is one gap"
    kept_frames = sum(
        shot.frames
        for shot in shots
        if shot.rendition == "source" and (shot.msn, shot.part) in there["source"]
    )
    assert frames_of(studio.folder)["source"] == kept_frames
    assert capture.health.lost_parts == len(shots) - sum(map(len, there.values()))


async def test_after_a_loss_the_picture_goes_on_with_a_keyframe(tmp_path: Path) -> None:
    gate = Gate()
    shots = [shot for number in range(4) for shot in picture().segment(number)]
    room = len(shots[0].data) + len(shots[1].data) + SMALL
    studio = Studio(
        tmp_path / "r", replace(SETTINGS, queue_bytes=room), disk=gate, reels=[picture()]
    )
    await studio.open()
    await gate.shut(studio, shots[0])
    for shot in shots[1:3]:
        studio.hand(shot)
    await asyncio.sleep(0)
    studio.troubles.clear()
    gate.open.set()
    await studio.written(2)
    for shot in shots[3:6]:
        studio.hand(shot)
        await studio.written(2 + max(0, shots.index(shot) - 3))
    await studio.close()
    assert parts_of(studio.folder)["source"] == named([*shots[:2], *shots[4:6]], "source")
    [gap] = gaps_of(studio.folder, "source")
    assert (gap.s, gap.p, gap.t, gap.d) == (shots[2].msn, 0, shots[2].time, 90_000)


async def test_a_loss_up_to_the_end_is_told(tmp_path: Path) -> None:
    gate = Gate()
    shots = [shot for number in range(2) for shot in picture().segment(number)]
    studio = Studio(
        tmp_path / "r",
        replace(SETTINGS, queue_bytes=len(shots[0].data) + SMALL),
        disk=gate,
        reels=[picture()],
    )
    capture = await studio.open()
    await gate.shut(studio, shots[0])
    studio.hand(shots[1])
    capture.add_gap("source", shots[2].msn, 0, 90_000, 45_000, discontinuity=False)
    gate.open.set()
    await studio.close()
    [gap] = gaps_of(studio.folder, "source")
    assert (gap.t, gap.d, gap.lost) == (45_000, 90_000, True)


async def test_closing_does_not_wait_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recorder.capture.CLOSE_S", 0.05)
    gate = Gate()
    studio = Studio(tmp_path / "r", disk=gate, reels=[picture()])
    await studio.open()
    await gate.shut(studio, picture().segment(0)[0])
    await studio.close()
    assert [trouble.kind for trouble in studio.troubles] == ["too slow"]
    with pytest.raises(BlockingIOError):
        await opened(tmp_path / "r", BEGAN)
    gate.open.set()
    monkeypatch.undo()
    await studio.close()
    assert parts_of(studio.folder)["source"] == named(picture().segment(0)[:1], "source")
    assert Recording.read(studio.folder).closed is not None


async def test_a_disk_that_stands_still_delays_nobody(tmp_path: Path) -> None:
    """A real file system that is frozen: each write to it waits in the kernel."""
    with stoppable_disk(tmp_path) as disk:
        studio = Studio(disk.mount / "r")
        capture = await studio.open()
        played = studio.play(3)
        await studio.written(len(played))
        disk.stop()
        stopped = studio.play(3, first=3)
        studio.clock.advance(4_000)
        assert capture.health.parts == len(played)
        assert capture.health.queued_bytes > 0
        disk.go_on()
        await studio.written(len(played) + len(stopped))
        await studio.close()
        assert capture.health.lost_parts == 0
        assert fault_of(studio.folder) == ""


async def test_a_full_disk_closes_the_recording_playable(tmp_path: Path) -> None:
    with small_disk(tmp_path, 3 * MIB) as mount:
        studio = Studio(mount / "r")
        await studio.open()
        played: list[Shot] = []
        while not studio.troubles:
            played += studio.play(1, first=len(played) // 6)
            await studio.written(len(played))
        await studio.close()
        assert [trouble.kind for trouble in studio.troubles] == ["disk full"]
        recording = Recording.read(studio.folder)
        assert recording.closed is not None
        assert recording.closed.reason == "disk full"
        assert all(
            file.sealed is not None
            for one in recording.renditions.values()
            for file in one.chunks.values()
        )
        assert fault_of(studio.folder) == ""
        there = parts_of(studio.folder)
        for reel in studio.reels:
            kept = there[reel.name]
            assert kept == named(played, reel.name)[: len(kept)], "nothing is missing before"
        # Unless the disk ended within the very first parts, all of this is seconds long.
        assert frames_of(studio.folder)["source"] >= len(there["source"]) * FRAMES - FRAMES
        assert len(there["source"]) > 4


async def test_a_disk_below_its_reserve_closes_the_recording(tmp_path: Path) -> None:
    with small_disk(tmp_path, 8 * MIB) as mount:
        studio = Studio(mount / "r", replace(SETTINGS, reserve_bytes=6 * MIB))
        await studio.open()
        number = 0
        while not studio.troubles:
            studio.play(1, first=number)
            number += 1
            await studio.written(6 * number)
        assert [trouble.kind for trouble in studio.troubles] == ["disk full"]
        await studio.close()
        assert fault_of(studio.folder) == ""
        assert LocalDisk().free(mount) > 5 * MIB


async def test_a_disk_that_is_full_from_the_start_is_told(tmp_path: Path) -> None:
    with small_disk(tmp_path, MIB // 2) as mount, pytest.raises(OSError, match="No space left"):
        await opened(mount / "r", BEGAN)


async def opened(folder: Path, began: Began) -> None:
    """Open and close."""
    troubles: list[Trouble] = []
    capture = await Capture.open(
        folder, began, SETTINGS, on_trouble=troubles.append, clock=VirtualClock()
    )
    await capture.close("end")
    assert troubles == []
