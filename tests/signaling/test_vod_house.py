"""How long recordings are kept, what goes with what, and the settings that say so."""

from __future__ import annotations

import asyncio
import shutil
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from chat.entry import Draft, RoomId
from recorder.catalog.clips import Stretch
from recorder.catalog.deletions import StillRecording
from recorder.catalog.measured import Measured
from recorder.catalog.models import Reason
from recorder.chapters import Found
from recorder.deletion import Deletion
from recorder.files import LocalFiles
from recorder.records import Began
from recorder.retention import DAY_MS, Choice
from signaling import vod_house
from signaling.vod_house import (
    FILE,
    VodHouse,
    build_catalog,
    job_settings,
    media_of_store,
    open_store,
)
from sluice.config import ConfigError
from sluice.ids import ChannelId
from sluice.recorder_config import JobsConfig, RecorderConfig, StoreConfig
from tests.bridge.studio import Studio
from tests.recorder.catalog.world import NOW_MS, lay, measured, records
from tests.signaling.door import Door, open_door
from tests.signaling.recording_world import on_air
from tests.signaling.vod_world import CHANNEL, VOD, film, open_vods

NAME = ChannelId(CHANNEL)
GB = 1 << 30


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("film")
    film(folder)
    return folder


@pytest.fixture
def storage(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "storage"))


@asynccontextmanager
async def house_on(storage: Path, **recorder: Any) -> AsyncIterator[tuple[Door, VodHouse]]:
    async with open_vods(storage, **recorder) as door:
        yield door, door.house.vods


async def off_air(door: Door, studio: Studio) -> None:
    studio.end()
    await door.house.vods.recordings.end(NAME, studio.presentation)


async def there(vods: VodHouse) -> set[str]:
    return {one.id for one in (await vods.catalog.vods.page()).items}


async def reasons(vods: VodHouse) -> dict[str, Reason]:
    return {one.id: one.reason for one in (await vods.catalog.deletions.page()).items}


# --- keeping


async def add(vods: VodHouse, name: str, *, age_days: float = 0, size_bytes: int = 1_000) -> None:
    """A VOD in the catalog that ended so long ago."""
    began_ms = NOW_MS - round(age_days * DAY_MS)
    facts: Measured = measured(name, channel=CHANNEL, began_ms=began_ms, size_bytes=size_bytes)
    until_ms = vods.keeping.until_ms(facts.ended_ms)
    assert await vods.catalog.vods.adopt(facts, "public", until_ms) is not None


async def test_what_is_older_than_it_is_kept_goes(storage: Path) -> None:
    async with house_on(storage, keep_days=10_000) as (door, vods):
        await add(vods, "old", age_days=10_001)
        await add(vods, "pinned", age_days=10_001)
        await add(vods, "young", age_days=9_999)
        await vods.catalog.vods.keep("pinned", None)
        await vods.keep()
        assert await there(vods) == {"pinned", "young", VOD}
        assert await reasons(vods) == {"old": "retention"}
        assert door.counted("sluice_vod_deleted_total", reason="retention") == 1


async def test_a_recording_that_is_too_old_goes_with_its_files(storage: Path) -> None:
    async with house_on(storage, keep_days=1) as (door, vods):
        door.clock.advance(DAY_MS)
        await vods.keep()
        await vods.deletion.sweep(NOW_MS)
        assert await there(vods) == set()
        assert not (storage / "recordings" / VOD).exists()
        response = await door.http.get(f"/vod/{VOD}/master.m3u8")
        assert response.status_code == 404


async def test_the_oldest_go_when_a_channel_has_more_than_its_quota(storage: Path) -> None:
    async with house_on(storage, quota_gb=1) as (_, vods):
        for number in range(4):
            await add(vods, f"vod{number}", age_days=4 - number, size_bytes=GB * 3 // 10)
        await vods.keep()
        assert await there(vods) == {"vod1", "vod2", "vod3"}
        gone = await reasons(vods)
        assert gone == {"vod0": "quota", VOD: "quota"}  # the film is much older


async def test_each_channel_is_kept_by_its_own_rules(storage: Path) -> None:
    async with house_on(storage, keep_days=10_000) as (_, vods):
        await add(vods, "mine", age_days=5)
        await add_other(vods, age_days=5)
        await vods.catalog.keepings.choose(
            CHANNEL, Choice(keep_days=3), vods.keeping, by="owner", now_ms=NOW_MS, admin=False
        )
        await vods.keep()
        assert await there(vods) == {"other"}
        vod = await vods.catalog.vods.get("other")
        assert vod is not None
        assert vod.keep_until_ms is not None


async def test_clips_go_with_their_recording_where_that_was_chosen(storage: Path) -> None:
    async with house_on(storage, keep_days=10_000) as (_, vods):
        clip = await vods.catalog.clips.create(Stretch(VOD, 0, 1_000, "A clip", ""), NOW_MS)
        await vods.catalog.clips.set_state(clip.id, "ready", None)
        choice = Choice(keep_days=1, keep_clips=False)
        await vods.catalog.keepings.choose(
            CHANNEL, choice, vods.keeping, by="owner", now_ms=NOW_MS, admin=False
        )
        await vods.keep()
        assert await vods.catalog.clips.get(clip.id) is None


async def test_what_is_being_recorded_stays(storage: Path) -> None:
    async with house_on(storage, keep_days=1) as (door, vods):
        recording, _ = await on_air(door, 3_000)
        door.clock.advance(3 * DAY_MS)
        await vods.keep()
        assert recording in await there(vods)


async def test_local_chunks_go_when_the_store_has_them_and_no_job_reads_them(
    storage: Path,
) -> None:
    store = {"url": (storage / "objects").as_uri(), "keep_local_h": 1}
    chunk = storage / "recordings" / VOD / "source-000001.mp4"
    async with house_on(storage, store=store) as (door, vods):
        assert vods.recordings._uploader is not None
        await vods.recordings._uploader.finished(VOD)
        await vods.aftermath.look(VOD)
        await vods.keep()
        assert chunk.exists()  # jobs wait for it
        await vods.queue.forget(VOD)
        await vods.keep()
        assert not chunk.exists()
        assert (storage / "objects" / VOD / "source-000001.mp4").exists()
        assert (await door.http.get(f"/vod/{VOD}/source/000001.mp4")).status_code == 200


async def test_chunks_that_were_held_up_go_when_what_held_them_is_over(
    storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vod_house, "SOON_S", 0.0)
    store = {"url": (storage / "objects").as_uri(), "keep_local_h": 1}
    chunk = storage / "recordings" / VOD / "source-000001.mp4"
    async with house_on(storage, store=store) as (_, vods):
        assert vods.recordings._uploader is not None
        await vods.recordings._uploader.finished(VOD)
        await vods.aftermath.look(VOD)
        await vods.keep()
        assert chunk.exists()  # jobs wait for it
        await vods.queue.forget(VOD)
        vods._upload_told(vods.recordings._uploader.health())
        async with asyncio.timeout(30):
            while chunk.exists():  # noqa: ASYNC110 (it goes by itself)
                await asyncio.sleep(0.01)


async def test_a_young_recording_keeps_its_local_chunks(storage: Path) -> None:
    store = {"url": (storage / "objects").as_uri(), "keep_local_h": 1}
    async with house_on(storage, store=store) as (door, vods):
        recording, studio = await on_air(door, 3_000)
        await off_air(door, studio)
        assert vods.recordings._uploader is not None
        await vods.recordings._uploader.finished(recording)
        chunk = storage / "recordings" / recording / "source-000001.mp4"
        for ms, stays in ((3_599_000, True), (2_000, False)):
            door.clock.advance(ms)
            await vods.queue.forget(recording)
            await vods.keep()
            assert chunk.exists() == stays


# --- deleting


async def test_what_is_being_recorded_cannot_be_deleted_and_goes_on(storage: Path) -> None:
    store = {"url": (storage / "objects").as_uri()}
    async with house_on(storage, store=store) as (door, vods):
        recording, studio = await on_air(door, 3_000)
        with pytest.raises(StillRecording):
            await vods.delete(recording, "owner", keep_clips=True)
        studio.run(3_000)
        await off_air(door, studio)
        assert vods.recordings._uploader is not None
        await vods.recordings._uploader.finished(recording)
        names = {one.name for one in (storage / "objects" / recording).iterdir()}
        assert names == {"index.log", "source-000001.mp4", "audio-000001.mp4"}
        assert await vods.delete(recording, "owner", keep_clips=True)
        assert not (storage / "objects" / recording).exists()
        assert not await vods.delete(recording, "owner", keep_clips=True)
        assert door.counted("sluice_vod_deleted_total", reason="owner") == 1


async def test_clips_that_outlived_their_recording_go_with_the_channel(storage: Path) -> None:
    async with house_on(storage) as (_, vods):
        clips = [
            await vods.catalog.clips.create(Stretch(VOD, 0, 1_000 + n, "A clip", ""), NOW_MS)
            for n in range(3)
        ]
        for clip in clips:
            await vods.catalog.clips.set_state(clip.id, "ready", None)
        await vods.delete(VOD, "owner", keep_clips=True)
        assert len((await vods.catalog.clips.page(channel=CHANNEL)).items) == 3
        await vods.drop(NAME)
        assert (await vods.catalog.clips.page(channel=CHANNEL)).items == []
        gone = await reasons(vods)
        assert {gone[clip.id] for clip in clips} == {"channel"}


async def test_a_channels_recordings_go_with_it_however_many(storage: Path) -> None:
    async with house_on(storage) as (_, vods):
        for number in range(60):  # more than a page
            await add(vods, f"vod{number}")
        await add_other(vods)
        await vods.drop(NAME)
        assert await there(vods) == {"other"}
        assert not (storage / "recordings" / VOD).exists()
        assert (storage / "recordings").is_dir()


async def add_other(vods: VodHouse, *, age_days: float = 0) -> None:
    began_ms = NOW_MS - round(age_days * DAY_MS)
    facts = measured("other", channel="other", began_ms=began_ms)
    assert await vods.catalog.vods.adopt(facts, "public", None) is not None


async def test_what_is_recorded_goes_with_its_deleted_channel_when_it_is_over(
    storage: Path,
) -> None:
    async with house_on(storage) as (door, vods):
        recording, studio = await on_air(door, 3_000)
        await door.house.book.delete(NAME)
        await vods.drop(NAME)
        assert await there(vods) == {recording}
        await off_air(door, studio)
        async with asyncio.timeout(30):
            while await there(vods):  # noqa: ASYNC110 (it goes by itself)
                await asyncio.sleep(0.01)
        assert (await reasons(vods))[recording] == "channel"


async def test_a_channel_that_was_made_anew_keeps_what_it_records(storage: Path) -> None:
    async with house_on(storage) as (door, vods):
        await door.house.book.delete(NAME)
        await vods.drop(NAME)
        await door.add_channel(CHANNEL)
        recording, studio = await on_air(door, 3_000)
        await off_air(door, studio)
        assert await there(vods) == {recording}
        async with asyncio.timeout(30):
            while not await vods.queue.of(recording):  # noqa: ASYNC110 (it comes by itself)
                await asyncio.sleep(0.01)


async def test_recordings_of_channels_that_nobody_knows_stay(tmp_path: Path) -> None:
    """A backup of the channels may come back."""
    name = "lost-20260101-120000-abcdef"
    lines = [Began(1, name, "lost", "", NOW_MS), *records(name)[1:]]
    lay(tmp_path / "recordings", name, lines)
    async with open_door(tmp_path, recorder={"record": "never", "jobs": {"workers": 0}}) as door:
        await door.house.vods.keep()
        (vod,) = (await door.house.vods.catalog.vods.page()).items
        assert (vod.id, vod.access) == (name, "token")


# --- the chat beside it


async def test_peaks_of_the_chat_become_chapters(storage: Path) -> None:
    long = "channel-20260101-120000-abcdef"
    lay(storage / "recordings", long, records(long, seconds=600))
    async with house_on(storage) as (door, vods):
        assert door.house.chat is not None
        for number in range(40):
            body = b'{"id":"m","user":{"id":"u1","name":"Bea"},"text":"!"}'
            at_ms = NOW_MS + 300_000 + 100 * number
            await door.house.chat.hub.append(RoomId(CHANNEL), Draft("message", body, at_ms, at_ms))
        await vods.aftermath.merge_chapters(long, Found())
        chapters = await vods.catalog.chapters.of(long)
        assert [one.source for one in chapters] == ["start", "chat"]
        assert chapters[1].at_ms == 295_000


async def test_without_a_chat_there_are_recordings_all_the_same(storage: Path) -> None:
    sections = {"record": "never", "keep_days": 10_000, "jobs": {"workers": 0}}
    async with open_door(storage, recorder=sections, chat={"enabled": False}) as door:
        await door.add_channel(CHANNEL)
        assert door.house.vods.rooms is None
        chat = await door.http.get(f"/api/vods/{VOD}/chat")
        assert chat.json() == {"items": [], "next": None}
        heat = await door.http.get(f"/api/vods/{VOD}/heat")
        assert heat.json()["values"] == []
        await door.house.vods.aftermath.merge_chapters(VOD, Found())
        assert len(await door.house.vods.catalog.chapters.of(VOD)) == 1


async def chat_at(door: Door, *moments_ms: int) -> None:
    assert door.house.chat is not None
    body = b'{"id":"m","user":{"id":"u1","name":"Bea"},"text":"!"}'
    drafts = [Draft("message", body, at_ms) for at_ms in moments_ms]
    await door.house.chat.history.append(RoomId(CHANNEL), drafts)


async def left(door: Door) -> list[int]:
    """Moments of what is in the room's log."""
    assert door.house.chat is not None
    found = await door.house.chat.history.after(RoomId(CHANNEL), 0, 99)
    return [one.t_show for one in found if one.kind == "message"]


async def test_its_chat_goes_with_a_recording_and_the_rest_of_the_room_stays(
    storage: Path,
) -> None:
    async with house_on(storage) as (door, vods):
        film = await vods.catalog.vods.get(VOD)
        assert film is not None
        assert film.ended_ms is not None
        before, after = film.began_ms - 60_000, film.ended_ms + 60_000
        await chat_at(door, before, film.began_ms, film.began_ms + 9_000, after)
        assert await vods.delete(VOD, "owner", keep_clips=True)
        assert await left(door) == [before, after]
        (record,) = (await vods.catalog.deletions.page()).items
        assert record.what.chat == 2


async def test_what_the_command_line_deleted_loses_its_chat_in_the_next_sweep(
    storage: Path,
) -> None:
    async with house_on(storage) as (door, vods):
        film = await vods.catalog.vods.get(VOD)
        assert film is not None
        await chat_at(door, film.began_ms)
        alone = Deletion(vods.catalog, [LocalFiles(vods.folder)])
        await alone.delete_vod(
            VOD, by="command line", reason="owner", now_ms=NOW_MS, keep_clips=True
        )
        assert await left(door) == [film.began_ms]
        await vods.keep()
        assert await left(door) == []


# --- settings


def test_the_catalog_is_for_this_user_only(tmp_path: Path) -> None:
    build_catalog(RecorderConfig(), tmp_path / "new")
    assert stat.S_IMODE((tmp_path / "new" / FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_jobs_are_bounded_as_the_settings_say() -> None:
    config = JobsConfig(workers=3, memory_mb=512, limit_s=60, silence_s=30, attempts=2)
    made = job_settings(config)
    assert (made.concurrency, made.attempts) == (3, 2)
    limits = made.limits_for("clip")
    assert (limits.memory_bytes, limits.time_s, limits.silence_s) == (512 << 20, 60, 30)


def test_without_an_address_there_is_no_store() -> None:
    assert open_store(RecorderConfig()) is None
    assert media_of_store(RecorderConfig()) is None


@pytest.mark.parametrize(
    ("store", "why"),
    [
        (StoreConfig(url="s3://bucket"), "access key"),
        (StoreConfig(url="s3://B/x", access_key=SecretStr("a"), secret_key=SecretStr("s3cret")),
         "bucket"),
        (StoreConfig(url="s3://bucket", endpoint="http://example.org", access_key=SecretStr("a"),
                     secret_key=SecretStr("s3cret")), "http"),
        (StoreConfig(url="file:///"), "folder"),
    ],
)  # fmt: skip
def test_a_store_that_cannot_be_is_told_without_its_secret(store: StoreConfig, why: str) -> None:
    with pytest.raises(ConfigError) as refused:
        open_store(RecorderConfig(store=store))
    assert str(refused.value).startswith("recorder.store: ")
    assert why in str(refused.value)
    assert "s3cret" not in str(refused.value)
