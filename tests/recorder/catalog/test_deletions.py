"""What was deleted: nothing of its content is left, and the record stays."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncSession

from recorder.captions.cues import Cue
from recorder.catalog import migrations
from recorder.catalog.catalog import Catalog
from recorder.catalog.clips import Clip, ClipUnknown, Stretch
from recorder.catalog.deletions import (
    LEAD_MS,
    Counts,
    Deletion,
    LeavingChat,
    LeavingClip,
    LeavingVod,
    StillRecording,
)
from recorder.catalog.holding import VodUnknown
from recorder.catalog.models import Reason
from recorder.catalog.outputs import Output
from recorder.catalog.tracks import NewTrack
from recorder.chapters import Chapter
from sluice.database import Database
from tests.recorder.catalog.world import HOUR_MS, NOW_MS, add, measured

MP4, CLIP, OTHER = "a" * 32, "b" * 32, "c" * 32
SECRET = "Confidential"


async def clip_of(
    catalog: Catalog, key: str | None, *, vod: str = "live-1", ready: bool = True
) -> Clip:
    clip = await catalog.clips.create(Stretch(vod, 0, 5, SECRET, SECRET, key), NOW_MS)
    return await catalog.clips.set_state(clip.id, "ready", key) if ready else clip


async def fill(catalog: Catalog, vod: str = "live-1") -> None:
    """A VOD with one of everything but clips."""
    await add(catalog, vod)
    await catalog.vods.retitle(vod, SECRET)
    await catalog.chapters.put_found(vod, [Chapter(0, SECRET, "start")])
    track = NewTrack(vod, "en", "final", SECRET, text=SECRET)
    await catalog.tracks.put(track, [Cue(0, 5, SECRET)], NOW_MS)
    await catalog.outputs.put(Output(MP4, vod, "mp4", NOW_MS, 500, {"title": SECRET}))


async def test_nobody_finds_a_deleted_vod(catalog: Catalog) -> None:
    await fill(catalog)
    record = await catalog.deletions.delete_vod("live-1", "Ann", "owner", NOW_MS, keep_clips=True)
    what = Counts(size_bytes=1_500, chapters=1, tracks=1, outputs=1)
    assert record == Deletion("vod", "live-1", "live", "Ann", "owner", NOW_MS, what)
    assert await catalog.vods.get("live-1") is None
    assert (await catalog.vods.page()).items == []
    assert await catalog.chapters.of("live-1") == []
    assert await catalog.tracks.of("live-1") == []
    assert await catalog.cues.find("live-1", SECRET) == []
    assert await catalog.outputs.get(MP4) is None
    with pytest.raises(VodUnknown):
        await catalog.vods.retitle("live-1", "back")
    assert (await catalog.deletions.page()).items == [record]


async def test_nothing_of_its_content_is_left_in_the_database(
    catalog: Catalog, database_url: URL
) -> None:
    await fill(catalog)
    await clip_of(catalog, CLIP)
    await catalog.deletions.delete_vod("live-1", "Ann", "owner", NOW_MS, keep_clips=False)
    database = Database(database_url, migrations.FOLDER)
    async with database.reading() as session:
        for table in ("vods", "chapters", "clips", "tracks", "cues", "outputs", "deletions"):
            for row in await session.execute(text(f"SELECT * FROM {table}")):
                assert SECRET.lower() not in str(row).lower()
    await database.close()


async def test_again_it_is_not_there(catalog: Catalog) -> None:
    await fill(catalog)
    deletions = catalog.deletions
    assert await deletions.delete_vod("nothing", "", "owner", NOW_MS, keep_clips=True) is None
    several = await asyncio.gather(
        *(deletions.delete_vod("live-1", "", "owner", NOW_MS, keep_clips=True) for _ in range(5))
    )
    assert len([one for one in several if one is not None]) == 1
    assert len((await deletions.page()).items) == 1


async def test_one_that_is_recorded_is_not_deleted(catalog: Catalog) -> None:
    await add(catalog, recording=True)
    with pytest.raises(StillRecording, match="live-1"):
        await catalog.deletions.delete_vod("live-1", "", "owner", NOW_MS, keep_clips=True)
    assert await catalog.vods.get("live-1") is not None
    assert (await catalog.deletions.page()).items == []


async def test_its_folder_does_not_bring_it_back(catalog: Catalog) -> None:
    await add(catalog)
    await catalog.deletions.delete_vod("live-1", "", "quota", NOW_MS, keep_clips=True)
    assert await catalog.vods.adopt(measured(), "public", None) is None
    await catalog.deletions.vod_gone("live-1", NOW_MS)
    assert await catalog.vods.adopt(measured(), "public", None) is None
    assert await catalog.vods.states() == {"live-1": "deleted"}


async def test_clips_that_are_ready_may_stay(catalog: Catalog) -> None:
    await fill(catalog)
    await catalog.outputs.put(Output(CLIP, "live-1", "clip", NOW_MS, 30, {}))
    stays = await clip_of(catalog, CLIP)
    unmade = await clip_of(catalog, OTHER, ready=False)
    record = await catalog.deletions.delete_vod("live-1", "", "retention", NOW_MS, keep_clips=True)
    assert record is not None
    assert record.what == Counts(1_500, 1, 1, outputs=1, clips=1, clips_kept=1)
    assert await catalog.clips.get(stays.id) == stays
    assert await catalog.clips.get(unmade.id) is None
    assert await catalog.outputs.get(CLIP) is not None
    assert await catalog.deletions.leaving_vods() == [LeavingVod("live-1", frozenset({CLIP}))]
    assert await catalog.deletions.leaving_clips() == [], "its files go with the VOD's"


async def test_clips_go_with_it_and_each_has_a_record(catalog: Catalog) -> None:
    await fill(catalog)
    clips = [(await clip_of(catalog, CLIP)).id, (await clip_of(catalog, OTHER)).id]
    await catalog.deletions.delete_vod("live-1", "", "channel", NOW_MS, keep_clips=False)
    assert (await catalog.clips.page()).items == []
    page = await catalog.deletions.page()
    assert {(one.kind, one.id, one.reason) for one in page.items} == {
        ("vod", "live-1", "channel"),
        *(("clip", clip, "channel") for clip in clips),
    }
    assert await catalog.deletions.leaving_vods() == [LeavingVod("live-1", frozenset())]


async def test_nobody_finds_a_deleted_clip(catalog: Catalog) -> None:
    await fill(catalog)
    await catalog.outputs.put(Output(CLIP, "live-1", "clip", NOW_MS, 30, {}))
    clip = await clip_of(catalog, CLIP)
    record = await catalog.deletions.delete_clip(clip.id, "Ann", "owner", NOW_MS)
    what = Counts(size_bytes=30, outputs=1, clips=1)
    assert record == Deletion("clip", clip.id, "live", "Ann", "owner", NOW_MS, what)
    assert await catalog.clips.get(clip.id) is None
    assert (await catalog.clips.page()).items == []
    assert await catalog.outputs.get(CLIP) is None
    assert await catalog.outputs.get(MP4) is not None
    with pytest.raises(ClipUnknown):
        await catalog.clips.retitle(clip.id, "back")
    assert await catalog.deletions.delete_clip(clip.id, "Ann", "owner", NOW_MS) is None
    assert await catalog.deletions.delete_clip("nothing", "Ann", "owner", NOW_MS) is None
    assert await catalog.deletions.leaving_clips() == [LeavingClip(clip.id, "live-1", CLIP)]


async def test_what_two_clips_share_goes_with_the_last(catalog: Catalog) -> None:
    await fill(catalog)
    await catalog.outputs.put(Output(CLIP, "live-1", "clip", NOW_MS, 30, {}))
    first, second = await clip_of(catalog, CLIP), await clip_of(catalog, CLIP)
    await catalog.deletions.delete_clip(first.id, "", "owner", NOW_MS)
    assert await catalog.outputs.get(CLIP) is not None
    assert await catalog.deletions.leaving_clip(first.id) == LeavingClip(first.id, "live-1", None)
    await catalog.deletions.delete_clip(second.id, "", "owner", NOW_MS)
    assert await catalog.outputs.get(CLIP) is None
    assert (await catalog.deletions.leaving_clip(second.id)).output == CLIP


async def test_two_that_share_and_go_at_once_leave_nothing(catalog: Catalog) -> None:
    await fill(catalog)
    for number in range(10):
        key = f"{number:032x}"
        await catalog.outputs.put(Output(key, "live-1", "clip", NOW_MS, 30, {}))
        clips = [await clip_of(catalog, key) for _ in range(3)]
        await asyncio.gather(
            *(catalog.deletions.delete_clip(one.id, "", "owner", NOW_MS) for one in clips)
        )
        assert await catalog.outputs.get(key) is None


async def test_a_clip_that_stayed_can_be_deleted_later(catalog: Catalog) -> None:
    await fill(catalog)
    clip = await clip_of(catalog, CLIP)
    await catalog.deletions.delete_vod("live-1", "", "retention", NOW_MS, keep_clips=True)
    assert await catalog.deletions.delete_clip(clip.id, "", "owner", NOW_MS) is not None
    assert await catalog.deletions.leaving_vods() == [LeavingVod("live-1", frozenset())]


async def test_what_is_gone_is_not_looked_for_any_more(catalog: Catalog) -> None:
    await fill(catalog)
    clip = await clip_of(catalog, CLIP)
    await catalog.deletions.delete_clip(clip.id, "", "owner", NOW_MS)
    await catalog.deletions.clip_gone(clip.id, NOW_MS)
    assert await catalog.deletions.leaving_clips() == []
    await catalog.deletions.delete_vod("live-1", "", "owner", NOW_MS, keep_clips=True)
    await catalog.deletions.vod_gone("live-1", NOW_MS)
    assert await catalog.deletions.leaving_vods() == []


async def test_many_that_leave_come_some_at_a_time(catalog: Catalog) -> None:
    for number in range(103):
        vod = (await add(catalog, f"live-{number:03}")).id
        await catalog.deletions.delete_vod(vod, "", "owner", NOW_MS, keep_clips=True)
    first = await catalog.deletions.leaving_vods()
    rest = await catalog.deletions.leaving_vods(first[-1].id)
    assert [one.id for one in [*first, *rest]] == [f"live-{number:03}" for number in range(103)]
    assert await catalog.deletions.leaving_vods(rest[-1].id) == []


async def test_records_are_listed_by_channel_the_newest_first(catalog: Catalog) -> None:
    for number, channel in enumerate(["live", "other", "live"]):
        await add(catalog, f"vod-{number}", channel=channel)
        await catalog.deletions.delete_vod(
            f"vod-{number}", "", "owner", NOW_MS + number, keep_clips=True
        )
    page = await catalog.deletions.page(channel="live", limit=1)
    assert [one.id for one in page.items] == ["vod-2"]
    page = await catalog.deletions.page(channel="live", before=page.next)
    assert [one.id for one in page.items] == ["vod-0"]
    assert page.next is None


async def test_the_owners_chapters_are_counted_not_both_lists(catalog: Catalog) -> None:
    await add(catalog)
    await catalog.chapters.put_found("live-1", [Chapter(0, "a"), Chapter(1, "b")])
    await catalog.chapters.edit("live-1", [Chapter(0, "a")])
    record = await catalog.deletions.delete_vod("live-1", "", "owner", NOW_MS, keep_clips=True)
    assert record is not None
    assert record.what.chapters == 1


# --- the chat of its time


async def gone(catalog: Catalog, vod: str, reason: Reason = "owner") -> None:
    record = await catalog.deletions.delete_vod(vod, "", reason, NOW_MS, keep_clips=True)
    assert record is not None
    assert record.what.chat is None


async def test_the_chat_of_a_deleted_vod_is_looked_for_until_it_is_gone(catalog: Catalog) -> None:
    await add(catalog)
    assert await catalog.deletions.leaving_chats() == []
    await gone(catalog, "live-1")
    wanted = LeavingChat("live-1", "live", [(NOW_MS - LEAD_MS, NOW_MS + HOUR_MS)])
    assert await catalog.deletions.leaving_chats() == [wanted]
    assert await catalog.deletions.leaving_chat("live-1") == wanted
    await catalog.deletions.chat_gone("live-1", 17, NOW_MS)
    await catalog.deletions.chat_gone("live-1", 0, NOW_MS + 1)
    assert await catalog.deletions.leaving_chats() == []
    assert await catalog.deletions.leaving_chat("live-1") is None
    (record,) = (await catalog.deletions.page()).items
    assert record.what == Counts(size_bytes=1_000, chat=17), "what was counted first"


async def test_the_time_of_vods_that_stay_is_theirs(catalog: Catalog) -> None:
    def at(minutes: int) -> int:
        return NOW_MS + 60_000 * minutes

    async def lasting(vod: str, begin: int, end: int, channel: str = "live") -> None:
        facts = replace(measured(vod, channel=channel, began_ms=at(begin)), ended_ms=at(end))
        assert await catalog.vods.adopt(facts, "public", None) is not None

    await lasting("live-1", 0, 60)
    await lasting("live-0", -30, 10)
    await lasting("live-2", 20, 30)
    await lasting("live-3", 25, 40)
    await lasting("live-4", 60, 90)
    await lasting("else-1", 0, 60, "else")
    await gone(catalog, "live-1")
    chat = await catalog.deletions.leaving_chat("live-1")
    assert chat is not None
    assert chat.times == [(at(10), at(20)), (at(40), at(60))]
    await gone(catalog, "live-2")
    chat = await catalog.deletions.leaving_chat("live-1")
    assert chat is not None
    assert chat.times == [(at(10), at(25)), (at(40), at(60))]
    await add(catalog, "live-5", began_ms=at(15), recording=True)
    chat = await catalog.deletions.leaving_chat("live-1")
    assert chat is not None
    assert chat.times == [(at(10), at(15))], "one that grows has no end yet"


async def test_with_its_channel_the_whole_room_goes(catalog: Catalog) -> None:
    await add(catalog)
    await gone(catalog, "live-1", "channel")
    assert await catalog.deletions.leaving_chats() == []


async def test_what_was_deleted_before_chats_went_along_keeps_them(
    database_url: URL, tmp_path: Path
) -> None:
    """The step from the first version of the tables."""
    old = tmp_path / "migrations"
    shutil.copytree(migrations.FOLDER, old)
    (old / "versions" / "second.py").unlink()
    database = Database(database_url, old)
    await database.open()
    row = (
        "INSERT INTO vods (id, channel, title, state, trouble, began_ms, ended_ms, duration_ms,"
        " size_bytes, width, height, access, keep_chosen, chapters_edited, gone_ms)"
        " VALUES (:id, 'live', '', :state, '', 1000, 9000, 8000, 1, 1, 1, 'public', false, false,"
        " :gone_ms)"
    )

    async def fill(session: AsyncSession) -> None:
        for id, state, gone_ms in (
            ("a", "deleted", 5),
            ("b", "deleted", None),
            ("c", "ready", None),
        ):
            await session.execute(text(row), {"id": id, "state": state, "gone_ms": gone_ms})

    await database.write(fill)
    await database.close()
    catalog = Catalog.at(database_url)
    await catalog.open()
    assert await catalog.deletions.leaving_chats() == []
    assert [one.id for one in await catalog.deletions.leaving_vods()] == ["b"]
    await gone(catalog, "c")
    assert [one.vod for one in await catalog.deletions.leaving_chats()] == ["c"]
    await catalog.close()
