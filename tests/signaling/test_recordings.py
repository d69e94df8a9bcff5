"""What is on air is recorded, whatever servers and disks do meanwhile."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from recorder.catalog.vods import Vod
from recorder.index import FILE, IndexWriter
from recorder.media import LocalMedia
from recorder.recording import ID, Recording
from recorder.records import CloseReason, Mark, Sealed
from recorder.replay import Replay
from recorder.verify import verify
from signaling.recordings import FOLDER, TOLD
from sluice.ids import ChannelId
from tests.recorder.catalog.world import lay, records
from tests.signaling.recording_world import (
    GRACE_MS,
    LIVE,
    Recorder,
    catalog_gone,
    crash,
    recorder_on,
)

OLD = "live-20260101-120000-abcdef"


# --- a broadcast from its beginning to its end


async def test_a_broadcast_is_recorded_and_can_be_watched_when_it_ends(tmp_path: Path) -> None:
    async with recorder_on(tmp_path) as recorder:
        recording, studio = await recorder.begin()
        assert (await recorder.vod(recording)).state == "recording"
        assert recorder.counted("sluice_recordings") == 1
        studio.run(6_000)
        await recorder.end(studio)

        assert recorder.recordings.running(LIVE) is None
        assert recorder.recordings.health(LIVE) is None
        assert recorder.counted("sluice_recordings") == 0
        assert recorder.finished == recorder.watcher.begun == recorder.watcher.ended == [recording]
        vod = await recorder.vod(recording)
        assert (vod.state, vod.duration_ms, vod.height) == ("ready", 6_000, 720)
        assert vod.ended_ms == recorder.clock.wall_ms()
        found = recorder.read(recording)
        assert _reason(found) == "end"
        assert set(found.renditions) == {"source", "audio"}
        assert verify(recorder.folder(recording), LocalMedia(recorder.folder(recording))) == []


async def test_its_name_is_sorted_by_time_and_cannot_be_guessed(tmp_path: Path) -> None:
    names = []
    async with recorder_on(tmp_path) as recorder:
        for _ in range(2):
            recording, studio = await recorder.begin()
            await recorder.end(studio)
            recorder.clock.advance(1_000)
            names.append(recording)
    assert all(ID.fullmatch(name) for name in names)
    assert re.fullmatch(r"live-20260921-\d{6}-[a-z2-7]{6}", names[0])
    assert names == sorted(names)
    assert names[0][-6:] != names[1][-6:]


async def test_it_has_the_channels_title_and_the_streamers_marks(tmp_path: Path) -> None:
    async with recorder_on(tmp_path) as recorder:
        await recorder.book.create(LIVE, "Roses", "public")
        mark = Mark(recorder.clock.wall_ms(), "marker", "Here", "Lina")
        assert not recorder.recordings.mark(LIVE, mark)
        recording, studio = await recorder.begin()
        assert recorder.recordings.mark(LIVE, mark)
        assert not recorder.recordings.mark(ChannelId("other"), mark)
        await recorder.end(studio)
        assert (await recorder.vod(recording)).title == "Roses"
        assert recorder.read(recording).marks == [mark]


async def test_all_renditions_where_they_are_wanted(tmp_path: Path) -> None:
    async with recorder_on(tmp_path, renditions="all") as recorder:
        recording, studio = await recorder.begin()
        studio.video("360p", 360)
        studio.run(2_000)
        await recorder.end(studio)
        assert set(recorder.read(recording).renditions) == {"source", "360p", "audio"}


async def test_the_end_of_what_is_not_recorded_changes_nothing(tmp_path: Path) -> None:
    async with recorder_on(tmp_path) as recorder:
        recording, studio = await recorder.begin()
        await recorder.recordings.end(LIVE, recorder.studio().presentation)
        await recorder.recordings.end(ChannelId("other"), studio.presentation)
        assert recorder.recordings.running(LIVE) == recording
        await recorder.end(studio)
        await recorder.end(studio)
        assert recorder.finished == [recording]


async def test_a_new_presentation_ends_the_recording_of_the_one_before(tmp_path: Path) -> None:
    async with recorder_on(tmp_path) as recorder:
        first, _ = await recorder.begin("one")
        recorder.clock.advance(1_000)
        second, _ = await recorder.begin("two")
        assert second != first
        assert recorder.finished == [first]
        assert _reason(recorder.read(first)) == "end"


async def test_a_broadcast_that_does_not_end_goes_on_in_another_recording(tmp_path: Path) -> None:
    async with recorder_on(tmp_path) as recorder:
        first, studio = await recorder.begin()
        studio.run(4_000)
        recorder.clock.advance(12 * 3_600_000)
        await recorder.recordings.look()
        assert recorder.finished == [first]
        second = recorder.recordings.running(LIVE)
        assert second not in (None, first)
        studio.run(4_000)
        await recorder.end(studio)
        assert recorder.finished == [first, second]
        for recording in recorder.finished:
            # Each begins with a keyframe, and plays by itself.
            assert Replay.of(recorder.read(recording)).duration_us > 1_000_000
        # What the first one has whole is not in the second.
        assert Replay.of(recorder.read(second or "")).duration_us <= 6_000_000


async def test_a_broadcast_without_a_picture_in_it_is_no_recording_to_watch(tmp_path: Path) -> None:
    async with recorder_on(tmp_path) as recorder:
        recording, studio = await recorder.begin()
        await recorder.end(studio)
        vod = await recorder.vod(recording)
        assert (vod.state, vod.trouble) == ("trouble", "Nothing of it can be played.")


# --- servers that stop, and those that die


async def _stopped(storage: Path) -> str:
    """A server stops while it records."""
    async with recorder_on(storage) as recorder:
        recording, studio = await recorder.begin()
        studio.run(4_000)
        studio.end()
        recorder.clock.advance(4_000)
    assert _reason(Recording.read(storage / FOLDER / recording)) == "stopped"
    return recording


async def _goes_on(recorder: Recorder, recording: str) -> None:
    """The channel is on air again: it is the same recording, with a second session."""
    again, studio = await recorder.begin("two")
    assert again == recording
    assert (await recorder.vod(recording)).state == "recording"
    studio.run(4_000)
    await recorder.end(studio)
    found = recorder.read(recording)
    assert [one.epoch for one in found.sessions.values()] == ["one", "two"]
    assert _reason(found) == "end"
    replay = Replay.of(found)
    assert [one.session for one in replay.periods] == [1, 2]
    assert (await recorder.vod(recording)).duration_ms == replay.duration_us // 1_000 == 8_000
    assert verify(recorder.folder(recording), LocalMedia(recorder.folder(recording))) == []


async def test_a_broadcast_goes_on_in_the_same_recording_after_a_restart(tmp_path: Path) -> None:
    recording = await _stopped(tmp_path)
    async with recorder_on(tmp_path) as recorder:
        assert recorder.finished == []  # it was closed in order, and shown
        assert (await recorder.vod(recording)).state == "ready"
        recorder.clock.advance(4_000 + GRACE_MS)
        await _goes_on(recorder, recording)


async def test_after_the_grace_time_it_is_another_recording(tmp_path: Path) -> None:
    recording = await _stopped(tmp_path)
    async with recorder_on(tmp_path) as recorder:
        recorder.clock.advance(4_000 + GRACE_MS + 1)
        again, _ = await recorder.begin("two")
        assert again != recording
    assert len(Recording.read(tmp_path / FOLDER / recording).sessions) == 1


async def test_a_broadcast_that_ended_by_itself_does_not_go_on(tmp_path: Path) -> None:
    async with recorder_on(tmp_path) as recorder:
        recording, studio = await recorder.begin()
        studio.run(4_000)
        await recorder.end(studio)
    async with recorder_on(tmp_path) as recorder:
        again, _ = await recorder.begin("two")
        assert again != recording


async def test_another_channels_recording_does_not_go_on(tmp_path: Path) -> None:
    recording = await _stopped(tmp_path)
    async with recorder_on(tmp_path) as recorder:
        other = ChannelId("other")
        await recorder.recordings.begin(other, recorder.studio("two").presentation)
        assert recorder.recordings.running(other) != recording
        assert recorder.recordings.running(LIVE) is None


async def test_a_recording_that_is_gone_or_broken_does_not_go_on(tmp_path: Path) -> None:
    recording = await _stopped(tmp_path)
    (tmp_path / FOLDER / recording / FILE).write_bytes(b"nonsense\n")
    async with recorder_on(tmp_path) as recorder:
        again, _ = await recorder.begin("two")
        assert again != recording
        assert recorder.recordings.trouble(LIVE) is None


async def test_what_a_crash_left_open_is_recovered_at_the_next_start(tmp_path: Path) -> None:
    recording = await _stopped(tmp_path)
    folder = tmp_path / FOLDER / recording
    before = Recording.read(folder)
    # The index had not heard of the last parts yet.
    last = [one.spans[-1][1] for one in before.renditions.values()]
    await crash(tmp_path, recording, lambda one: not isinstance(one, Sealed) and one not in last)
    async with recorder_on(tmp_path) as recorder:
        assert recorder.finished == [recording]
        assert (await recorder.vod(recording)).state == "ready"
        found = recorder.read(recording)
        assert _reason(found) == "recovered"
        for name, one in before.renditions.items():
            assert found.renditions[name].spans == one.spans
        recorder.clock.advance(4_000 + GRACE_MS)
        await _goes_on(recorder, recording)


async def test_a_recovered_one_does_not_go_on_after_the_grace_time(tmp_path: Path) -> None:
    recording = await _stopped(tmp_path)
    await crash(tmp_path, recording)
    async with recorder_on(tmp_path) as recorder:
        recorder.clock.advance(4_500 + GRACE_MS)
        again, _ = await recorder.begin("two")
        assert again != recording


async def test_all_that_lies_in_the_folder_comes_into_an_empty_catalog(tmp_path: Path) -> None:
    lay(tmp_path / FOLDER, OLD, records(OLD))
    (tmp_path / FOLDER / "lost+found").mkdir()
    (tmp_path / FOLDER / "live-20260102-120000-abcdef").mkdir()
    async with recorder_on(tmp_path) as recorder:
        assert recorder.finished == [OLD]
        assert (await recorder.vod(OLD)).duration_ms == 10_000


async def test_what_was_deleted_does_not_come_back(tmp_path: Path) -> None:
    lay(tmp_path / FOLDER, OLD, records(OLD))
    async with recorder_on(tmp_path) as recorder:
        deleted = await recorder.catalog.deletions.delete_vod(OLD, "", "owner", 1, keep_clips=True)
        assert deleted is not None
    async with recorder_on(tmp_path) as recorder:  # its files are still there
        assert recorder.finished == []
        assert await recorder.catalog.vods.get(OLD) is None


async def test_a_recording_in_which_another_server_is_at_work_is_left_alone(tmp_path: Path) -> None:
    recording = await _stopped(tmp_path)
    await crash(tmp_path, recording)
    path = tmp_path / FOLDER / recording / FILE
    before = path.read_bytes()
    with IndexWriter(path):  # the lock belongs to who opened it, not to a process
        async with recorder_on(tmp_path) as recorder:
            assert recorder.finished == []
            assert (await recorder.vod(recording)).state == "recording"
            assert path.read_bytes() == before


# --- disks and databases that fail


async def test_a_disk_that_fails_ends_the_recording_and_not_the_broadcast(tmp_path: Path) -> None:
    async with recorder_on(tmp_path) as recorder:
        recording, studio = await recorder.begin()
        (recorder.folder(recording) / "source-000002.mp4").write_bytes(b"in the way")
        studio.run(6_000)
        await recorder.over(recording)
        studio.run(4_000)
        studio.end()
        assert studio.timeline("source") == ["2000"] * 5

        assert recorder.recordings.running(LIVE) is None
        assert recorder.recordings.trouble(LIVE) == TOLD["write error"]
        assert recorder.counted("sluice_recorder_troubles_total", kind="write error") == 1
        await recorder.recordings.end(LIVE, studio.presentation)
        vod = await recorder.vod(recording)
        assert vod.state == "trouble"
        assert vod.trouble == "The disk could not be written: the end is missing."
        assert vod.duration_ms == 2_000
        assert recorder.finished == [recording]

        recorder.clock.advance(1_000)
        again, _ = await recorder.begin("two")
        assert again != recording
        assert recorder.recordings.trouble(LIVE) is None


async def test_a_disk_that_is_full_from_the_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with recorder_on(tmp_path, reserve_mb=1 << 40) as recorder:
        adopt = recorder.recordings._adoption.adopt

        async def slow(recording: str, *, live: bool = False) -> Vod | None:
            """The disk is quicker than the catalog."""
            while recorder.recordings.trouble(LIVE) is None:  # noqa: ASYNC110 (no event says so)
                await asyncio.sleep(0.01)
            return await adopt(recording, live=live)

        monkeypatch.setattr(recorder.recordings._adoption, "adopt", slow)
        recording, studio = await recorder.begin()
        studio.run(2_000)
        await recorder.over(recording)
        assert recorder.watcher.begun == [recording]
        assert recorder.recordings.trouble(LIVE) == TOLD["disk full"]
        assert recorder.counted("sluice_recorder_troubles_total", kind="disk full") == 1
        await recorder.recordings.close()
        vod = await recorder.vod(recording)
        assert vod.state == "trouble"
        assert recorder.recordings.running(LIVE) is None


async def test_a_folder_that_cannot_be_made_is_told_and_nothing_more(tmp_path: Path) -> None:
    async with recorder_on(tmp_path) as recorder:
        (tmp_path / FOLDER).rmdir()
        (tmp_path / FOLDER).write_text("in the way")
        studio = recorder.studio()
        await recorder.recordings.begin(LIVE, studio.presentation)
        assert recorder.recordings.running(LIVE) is None
        assert recorder.recordings.trouble(LIVE) == "It is not recorded: File exists."
        studio.video()
        studio.run(2_000)
        assert recorder.watcher.begun == []
        (tmp_path / FOLDER).unlink()


async def test_a_catalog_that_is_away_is_told_of_the_end_later(tmp_path: Path) -> None:
    async with recorder_on(tmp_path) as recorder:
        recording, studio = await recorder.begin()
        studio.run(2_000)
        await recorder.catalog.close()
        with catalog_gone(tmp_path):
            await recorder.end(studio)
            await recorder.recordings.look()
            assert recorder.finished == []
            assert recorder.watcher.ended == [recording]
        await recorder.recordings.look()
        await recorder.recordings.look()
        assert recorder.finished == [recording]
        assert (await recorder.vod(recording)).state == "ready"


async def test_a_catalog_that_is_away_at_the_beginning_costs_the_recording(tmp_path: Path) -> None:
    """Whether there is one to go on with is not known then."""
    async with recorder_on(tmp_path) as recorder:
        await recorder.catalog.close()
        with catalog_gone(tmp_path):
            await recorder.recordings.begin(LIVE, recorder.studio().presentation)
            assert recorder.recordings.running(LIVE) is None
            assert recorder.recordings.trouble(LIVE) is not None


# --- uploads


async def test_chunks_go_to_the_store_while_it_is_recorded(tmp_path: Path) -> None:
    objects = tmp_path / "objects"
    async with recorder_on(tmp_path, store={"url": objects.as_uri()}) as recorder:
        assert recorder.uploader is not None
        recording, studio = await recorder.begin()
        studio.run(5_000)
        await recorder.end(studio)
        await recorder.uploader.finished(recording)
        found = recorder.read(recording)
        files = [file for one in found.renditions.values() for file in one.chunks.values()]
        assert len(files) >= 4
        for file in files:
            assert file.stored
            local = recorder.folder(recording) / file.name
            assert (objects / recording / file.name).read_bytes() == local.read_bytes()


async def test_what_a_server_left_is_uploaded_by_the_next_one(tmp_path: Path) -> None:
    recording = await _stopped(tmp_path)
    await crash(tmp_path, recording)
    lay(tmp_path / FOLDER, OLD, records(OLD))
    async with recorder_on(tmp_path) as recorder:
        await recorder.catalog.deletions.delete_vod(OLD, "", "owner", 1, keep_clips=True)
    objects = tmp_path / "objects"
    async with recorder_on(tmp_path, store={"url": objects.as_uri()}) as recorder:
        assert recorder.uploader is not None
        await recorder.uploader.finished(recording)
    # Nothing of what was deleted, though its folder could not be.
    assert [one.name for one in objects.iterdir()] == [recording]


async def test_a_store_within_the_very_folder_costs_only_the_recording(tmp_path: Path) -> None:
    store = {"url": (tmp_path / FOLDER).as_uri()}
    async with recorder_on(tmp_path, store=store) as recorder:
        await recorder.recordings.begin(LIVE, recorder.studio().presentation)
        assert recorder.recordings.running(LIVE) is None
        assert "take another" in (recorder.recordings.trouble(LIVE) or "")


async def test_what_is_about_to_be_deleted_is_not_uploaded_any_more(tmp_path: Path) -> None:
    store = {"url": (tmp_path / "objects").as_uri()}
    async with recorder_on(tmp_path, store=store) as recorder:
        assert recorder.uploader is not None
        recording, studio = await recorder.begin()
        await recorder.recordings.let_loose(recording)
        studio.run(5_000)
        await recorder.end(studio)
        assert recorder.uploader.health().waiting == 0
        assert not (tmp_path / "objects" / recording).exists()


def _reason(recording: Recording) -> CloseReason:
    assert recording.closed is not None
    return recording.closed.reason
