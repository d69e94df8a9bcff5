"""Clips in the catalog."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from recorder.catalog.catalog import Catalog
from recorder.catalog.clips import ClipUnknown, Stretch
from recorder.catalog.holding import VodUnknown
from tests.recorder.catalog.world import NOW_MS, add

STRETCH = Stretch("live-1", 1_000, 31_000, "Goal!", "Ann")
KEY = "a" * 32


async def test_a_clip_is_made_and_then_ready(catalog: Catalog) -> None:
    await add(catalog)
    clip = await catalog.clips.create(STRETCH, NOW_MS)
    assert re.fullmatch("[a-z2-7]{12}", clip.id)
    assert (clip.channel, clip.state, clip.output, clip.by) == ("live", "making", None, "Ann")
    assert await catalog.clips.making() == [clip]
    ready = await catalog.clips.set_state(clip.id, "ready", KEY)
    assert ready == replace(clip, state="ready", output=KEY)
    assert await catalog.clips.get(clip.id) == ready
    assert await catalog.clips.making() == []


async def test_a_clip_that_failed_can_be_tried_again(catalog: Catalog) -> None:
    await add(catalog)
    clip = await catalog.clips.create(replace(STRETCH, output=KEY), NOW_MS)
    assert clip.output == KEY
    assert (await catalog.clips.set_state(clip.id, "failed", KEY)).state == "failed"
    assert (await catalog.clips.set_state(clip.id, "making", KEY)).state == "making"


async def test_a_clip_can_be_called_otherwise(catalog: Catalog) -> None:
    await add(catalog)
    clip = await catalog.clips.create(STRETCH, NOW_MS)
    assert (await catalog.clips.retitle(clip.id, "Save!")).title == "Save!"


async def test_who_may_watch_the_vod_may_watch_the_clip(catalog: Catalog) -> None:
    await add(catalog, access="token")
    clip = await catalog.clips.create(STRETCH, NOW_MS)
    assert clip.access == "token"
    assert (await catalog.clips.page(access="public")).items == []
    await catalog.vods.set_access("live-1", "public")
    found = await catalog.clips.get(clip.id)
    assert found is not None
    assert found.access == "public"
    assert (await catalog.clips.page(access="public")).items == [found]


async def test_clips_are_listed_by_channel_and_by_vod(catalog: Catalog) -> None:
    for vod, channel in (("live-1", "live"), ("live-2", "live"), ("other-1", "other")):
        await add(catalog, vod, channel=channel)
    first = await catalog.clips.create(STRETCH, NOW_MS)
    second = await catalog.clips.create(replace(STRETCH, vod="live-2"), NOW_MS + 1)
    third = await catalog.clips.create(replace(STRETCH, vod="other-1"), NOW_MS + 2)
    assert (await catalog.clips.page()).items == [third, second, first]
    assert (await catalog.clips.page(vod="live-1")).items == [first]
    page = await catalog.clips.page(channel="live", limit=1)
    assert page.items == [second]
    assert page.next is not None
    assert (await catalog.clips.page(channel="live", before=page.next)).items == [first]


@pytest.mark.parametrize(("from_ms", "to_ms"), [(-1, 5), (5, 5), (6, 5), (0, 2**63)])
def test_what_is_no_stretch_is_refused(from_ms: int, to_ms: int) -> None:
    with pytest.raises(ValueError, match="stretch"):
        Stretch("live-1", from_ms, to_ms, "", "")


async def test_what_is_not_there_is_told(catalog: Catalog) -> None:
    assert await catalog.clips.get("nothing") is None
    with pytest.raises(VodUnknown):
        await catalog.clips.create(STRETCH, NOW_MS)
    with pytest.raises(ClipUnknown):
        await catalog.clips.set_state("nothing", "ready", KEY)
