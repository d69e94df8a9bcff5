"""A VOD's row is held while something that belongs to it is written."""

from __future__ import annotations

import asyncio

from recorder.catalog.catalog import Catalog
from recorder.catalog.holding import VodUnknown
from recorder.catalog.outputs import Output
from tests.recorder.catalog.world import NOW_MS, add


async def test_what_comes_while_it_is_deleted_is_in_time_or_refused(catalog: Catalog) -> None:
    """Whichever comes first: a deleted VOD has no output afterwards."""
    for number in range(10):
        vod = (await add(catalog, f"live-{number}")).id
        output = Output(f"{number:032x}", vod, "mp4", NOW_MS, 1, {})
        results = await asyncio.gather(
            catalog.outputs.put(output),
            catalog.deletions.delete_vod(vod, "", "owner", NOW_MS, keep_clips=False),
            return_exceptions=True,
        )
        assert results[0] is None or isinstance(results[0], VodUnknown)
        assert not isinstance(results[1], BaseException)
        assert await catalog.outputs.of(vod) == []
