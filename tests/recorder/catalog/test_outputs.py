"""What jobs made, in the catalog."""

from __future__ import annotations

from dataclasses import replace

import pytest

from recorder.catalog.catalog import Catalog
from recorder.catalog.holding import VodUnknown
from recorder.catalog.outputs import Output
from tests.recorder.catalog.world import NOW_MS, add

POSTER = Output("a" * 32, "live-1", "poster", NOW_MS, 5_000, {"width": 480, "at": 1.5, "x": None})
MP4 = Output("b" * 32, "live-1", "mp4", NOW_MS + 1, 7_000, {})


async def test_an_output_is_kept_with_what_is_known_of_it(catalog: Catalog) -> None:
    await add(catalog)
    for one in (POSTER, MP4, POSTER):
        await catalog.outputs.put(one)
    assert await catalog.outputs.get(POSTER.key) == POSTER
    assert await catalog.outputs.of("live-1") == [MP4, POSTER]
    assert await catalog.outputs.of("live-1", "poster") == [POSTER]


async def test_one_that_was_made_anew_is_brought_up_to_date(catalog: Catalog) -> None:
    await add(catalog)
    await catalog.outputs.put(POSTER)
    newer = replace(POSTER, made_ms=NOW_MS + 5, size=1, facts={"width": 1})
    await catalog.outputs.put(newer)
    assert await catalog.outputs.of("live-1") == [newer]


async def test_one_that_is_gone_is_forgotten(catalog: Catalog) -> None:
    await add(catalog)
    await catalog.outputs.put(POSTER)
    assert await catalog.outputs.remove(POSTER.key)
    assert not await catalog.outputs.remove(POSTER.key)
    assert await catalog.outputs.get(POSTER.key) is None


async def test_what_is_made_of_nothing_is_refused(catalog: Catalog) -> None:
    with pytest.raises(VodUnknown):
        await catalog.outputs.put(POSTER)
