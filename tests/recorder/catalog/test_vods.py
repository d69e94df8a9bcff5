"""VODs in the catalog: found, shown, and changed by their owner."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from recorder.catalog.catalog import Catalog
from recorder.catalog.holding import VodUnknown
from recorder.catalog.paging import Cursor
from recorder.retention import DAY_MS
from tests.recorder.catalog.world import HOUR_MS, NOW_MS, add, measured


async def test_an_adopted_recording_is_shown_as_it_was_measured(catalog: Catalog) -> None:
    await catalog.vods.adopt(measured(), "token", NOW_MS + 1)
    vod = await catalog.vods.get("live-1")
    assert vod is not None
    assert (vod.channel, vod.title, vod.state) == ("live", "A title", "ready")
    assert (vod.began_ms, vod.ended_ms) == (NOW_MS, NOW_MS + HOUR_MS)
    assert (vod.width, vod.height, vod.size_bytes) == (1_920, 1_080, 1_000)
    assert (vod.access, vod.keep_until_ms, vod.keep_chosen) == ("token", NOW_MS + 1, False)
    assert vod.poster is None


async def test_adopting_again_brings_numbers_up_to_date_and_leaves_what_people_said(
    catalog: Catalog,
) -> None:
    await add(catalog, recording=True, access="public")
    await catalog.vods.retitle("live-1", "Mine")
    await catalog.vods.set_access("live-1", "token")
    await catalog.vods.keep("live-1", None)
    later = replace(measured(size_bytes=5_000), title="Another", duration_ms=7)
    for _ in range(2):
        await catalog.vods.adopt(later, "public", NOW_MS)
    vod = await catalog.vods.get("live-1")
    assert vod is not None
    assert (vod.state, vod.size_bytes, vod.duration_ms) == ("ready", 5_000, 7)
    assert (vod.title, vod.access, vod.keep_until_ms) == ("Mine", "token", None)
    assert len((await catalog.vods.page()).items) == 1


async def test_without_a_choice_the_rule_says_how_long_it_is_kept(catalog: Catalog) -> None:
    await add(catalog, recording=True)
    assert (await add(catalog, keep_until_ms=5)).keep_until_ms == 5
    assert (await catalog.vods.keep("live-1", None)).keep_chosen
    assert (await add(catalog, keep_until_ms=6)).keep_until_ms is None
    await catalog.vods.keep_by_rule("live-1", 7)
    assert (await add(catalog, keep_until_ms=8)).keep_until_ms == 8


async def test_a_title_that_was_missing_is_taken_when_it_comes(catalog: Catalog) -> None:
    await catalog.vods.adopt(measured(title=""), "public", None)
    await catalog.vods.adopt(measured(title="At last"), "public", None)
    vod = await catalog.vods.get("live-1")
    assert vod is not None
    assert vod.title == "At last"


async def test_several_servers_may_adopt_the_same_at_once(catalog: Catalog) -> None:
    await asyncio.gather(*(add(catalog) for _ in range(8)))
    assert len((await catalog.vods.page()).items) == 1


async def test_a_list_comes_in_pages_the_newest_first(catalog: Catalog) -> None:
    for number in range(7):
        # Some begin at the same moment: their ids decide.
        await add(catalog, f"live-{number}", began_ms=NOW_MS + number // 3)
    await add(catalog, "other-1", channel="other")
    seen: list[str] = []
    before: Cursor | None = None
    pages = 0
    while True:
        page = await catalog.vods.page(channel="live", before=before, limit=2)
        seen += [vod.id for vod in page.items]
        pages += 1
        if page.next is None:
            break
        before = Cursor.parse(str(page.next))
        assert before is not None
    assert seen == ["live-6", "live-5", "live-4", "live-3", "live-2", "live-1", "live-0"]
    assert pages == 4
    assert len((await catalog.vods.page()).items) == 8


async def test_what_is_added_meanwhile_moves_no_page(catalog: Catalog) -> None:
    for number in range(4):
        await add(catalog, f"live-{number}", began_ms=NOW_MS + number)
    first = await catalog.vods.page(limit=2)
    await add(catalog, "live-9", began_ms=NOW_MS + 9)
    rest = await catalog.vods.page(before=first.next, limit=2)
    assert [vod.id for vod in rest.items] == ["live-1", "live-0"]
    assert rest.next is None


async def test_strangers_see_only_what_anybody_may_watch(catalog: Catalog) -> None:
    await add(catalog, "live-1")
    await add(catalog, "live-2", access="token")
    page = await catalog.vods.page(access="public")
    assert [vod.id for vod in page.items] == ["live-1"]


async def test_those_that_grow_are_found_after_a_crash(catalog: Catalog) -> None:
    await add(catalog, "live-1")
    await add(catalog, "live-2", recording=True)
    grown = await catalog.vods.grow("live-2", 2_000, 3_000)
    assert (grown.duration_ms, grown.size_bytes, grown.state) == (2_000, 3_000, "recording")
    assert [vod.id for vod in await catalog.vods.recording()] == ["live-2"]
    assert await catalog.vods.states() == {"live-1": "ready", "live-2": "recording"}


async def test_those_whose_time_is_over_are_due(catalog: Catalog) -> None:
    await add(catalog, "live-1", keep_until_ms=NOW_MS)
    await add(catalog, "live-2", keep_until_ms=NOW_MS - 1)
    await add(catalog, "live-3", keep_until_ms=NOW_MS + 1)
    await add(catalog, "live-4", keep_until_ms=0, recording=True)
    await add(catalog, "live-5", keep_until_ms=0)
    await catalog.deletions.delete_vod("live-5", "", "retention", NOW_MS, keep_clips=True)
    await add(catalog, "live-6")
    assert [vod.id for vod in await catalog.vods.due(NOW_MS)] == ["live-2", "live-1"]


async def test_trouble_is_told_until_it_is_measured_anew(catalog: Catalog) -> None:
    await add(catalog)
    vod = await catalog.vods.tell_trouble("live-1", "A chunk is missing.")
    assert (vod.state, vod.trouble) == ("trouble", "A chunk is missing.")
    assert ((await add(catalog)).state, (await add(catalog)).trouble) == ("ready", "")


async def test_trouble_of_one_that_grows_does_not_end_it(catalog: Catalog) -> None:
    await add(catalog, recording=True)
    vod = await catalog.vods.tell_trouble("live-1", "The disk is slow.")
    assert (vod.state, vod.trouble) == ("recording", "The disk is slow.")


async def test_its_poster_is_an_output(catalog: Catalog) -> None:
    await add(catalog)
    assert (await catalog.vods.set_poster("live-1", "a" * 32)).poster == "a" * 32


async def test_what_is_not_there_cannot_be_changed(catalog: Catalog) -> None:
    assert await catalog.vods.get("live-1") is None
    with pytest.raises(VodUnknown, match="live-1"):
        await catalog.vods.retitle("live-1", "t")


async def test_another_rule_counts_for_what_is_there_already(catalog: Catalog) -> None:
    end_ms = NOW_MS + HOUR_MS
    for name in ("live-1", "live-2"):
        await add(catalog, name, keep_until_ms=end_ms + 14 * DAY_MS)
    await add(catalog, "other-1", channel="other", keep_until_ms=5)
    await add(catalog, "live-3", recording=True)
    await catalog.vods.keep("live-2", None)

    async def until(name: str) -> int | None:
        vod = await catalog.vods.get(name)
        assert vod is not None
        return vod.keep_until_ms

    assert await catalog.vods.rule("live", 3) == 1
    assert await until("live-1") == end_ms + 3 * DAY_MS
    assert await catalog.vods.rule("live", 3) == 0, "it is so already"
    assert await catalog.vods.rule("live", 0) == 1
    assert await until("live-1") is None
    assert await catalog.vods.rule("live", 0) == 0
    assert await catalog.vods.rule("live", 2) == 1
    assert [await until(name) for name in ("live-2", "live-3", "other-1")] == [None, None, 5]
