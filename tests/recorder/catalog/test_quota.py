"""How much room a channel takes up."""

from __future__ import annotations

from recorder.catalog.catalog import Catalog
from recorder.catalog.clips import Stretch
from recorder.catalog.outputs import Output
from recorder.retention import Kept
from tests.recorder.catalog.world import NOW_MS, add


async def test_outputs_count_with_their_vod(catalog: Catalog) -> None:
    await add(catalog, "live-2", began_ms=NOW_MS + 1, recording=True)
    await add(catalog, "live-1", size_bytes=1_000, keep_until_ms=5)
    await add(catalog, "other-1", channel="other")
    for number in range(3):
        await catalog.outputs.put(Output(f"{number:032x}", "live-1", "mp4", NOW_MS, 100, {}))
    holdings = await catalog.quota.weigh("live")
    assert holdings.vods == [
        Kept("live-1", NOW_MS, 1_300, False, 5, False),
        Kept("live-2", NOW_MS + 1, 1_000, True, None, False),
    ]
    assert (holdings.other_bytes, holdings.size_bytes) == (0, 2_300)
    assert await catalog.quota.channels() == ["live", "other"]


async def test_a_clip_that_stayed_counts_on_without_its_vod(catalog: Catalog) -> None:
    await add(catalog)
    await catalog.outputs.put(Output("a" * 32, "live-1", "clip", NOW_MS, 100, {}))
    clip = await catalog.clips.create(Stretch("live-1", 0, 1, "", "", "a" * 32), NOW_MS)
    await catalog.clips.set_state(clip.id, "ready", "a" * 32)
    await catalog.deletions.delete_vod("live-1", "", "retention", NOW_MS, keep_clips=True)
    holdings = await catalog.quota.weigh("live")
    assert (holdings.vods, holdings.other_bytes, holdings.size_bytes) == ([], 100, 100)
    assert await catalog.quota.channels() == []


async def test_a_channel_without_recordings_takes_up_nothing(catalog: Catalog) -> None:
    assert (await catalog.quota.weigh("live")).size_bytes == 0
