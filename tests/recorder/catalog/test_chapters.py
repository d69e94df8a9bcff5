"""Chapters that were found, and the owner's own."""

from __future__ import annotations

import pytest

from recorder.catalog.catalog import Catalog
from recorder.catalog.holding import VodUnknown
from recorder.chapters import MOST_EDITED, Chapter
from tests.recorder.catalog.world import add

FOUND = [Chapter(0, "Start", "start"), Chapter(60_000, "Scene", "scene")]
OWN = [Chapter(0, "Hello", "edited"), Chapter(5_000, "Cooking", "edited")]


async def test_what_was_found_is_shown_by_time(catalog: Catalog) -> None:
    await add(catalog)
    assert await catalog.chapters.of("live-1") == []
    assert await catalog.chapters.put_found("live-1", FOUND[::-1])
    assert await catalog.chapters.of("live-1") == FOUND


async def test_what_is_found_later_replaces_what_was_found(catalog: Catalog) -> None:
    await add(catalog)
    await catalog.chapters.put_found("live-1", FOUND)
    await catalog.chapters.put_found("live-1", FOUND[:1])
    assert await catalog.chapters.of("live-1") == FOUND[:1]


async def test_the_owners_list_stands_whatever_is_found(catalog: Catalog) -> None:
    await add(catalog)
    await catalog.chapters.put_found("live-1", FOUND)
    await catalog.chapters.edit("live-1", OWN)
    assert await catalog.chapters.of("live-1") == OWN
    assert not await catalog.chapters.put_found("live-1", FOUND[:1])
    assert await catalog.chapters.of("live-1") == OWN


async def test_an_owner_may_want_no_chapters_at_all(catalog: Catalog) -> None:
    await add(catalog)
    await catalog.chapters.put_found("live-1", FOUND)
    await catalog.chapters.edit("live-1", [])
    assert await catalog.chapters.of("live-1") == []


async def test_without_the_owners_list_the_newest_found_are_back(catalog: Catalog) -> None:
    await add(catalog)
    await catalog.chapters.edit("live-1", OWN)
    await catalog.chapters.put_found("live-1", FOUND)
    await catalog.chapters.unedit("live-1")
    assert await catalog.chapters.of("live-1") == FOUND
    await catalog.chapters.edit("live-1", OWN[:1])
    assert await catalog.chapters.of("live-1") == OWN[:1]


async def test_each_vod_has_its_own(catalog: Catalog) -> None:
    await add(catalog, "live-1")
    await add(catalog, "live-2")
    await catalog.chapters.put_found("live-1", FOUND)
    await catalog.chapters.edit("live-2", OWN)
    assert await catalog.chapters.of("live-1") == FOUND


async def test_there_is_a_limit(catalog: Catalog) -> None:
    await add(catalog)
    many = [Chapter(number, "x", "marker") for number in range(MOST_EDITED + 10)]
    await catalog.chapters.put_found("live-1", many)
    assert len(await catalog.chapters.of("live-1")) == MOST_EDITED


async def test_what_is_not_there_has_none(catalog: Catalog) -> None:
    assert await catalog.chapters.of("live-1") == []
    for put in (catalog.chapters.put_found, catalog.chapters.edit):
        with pytest.raises(VodUnknown):
            await put("live-1", FOUND)
