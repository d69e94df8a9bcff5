"""What is chosen for a channel stays, and who may choose what is decided where it is written."""

from __future__ import annotations

import asyncio

import pytest

from recorder.catalog.catalog import Catalog
from recorder.retention import BeyondLimit, Choice, Keeping
from tests.recorder.catalog.world import NOW_MS

SERVER = Keeping(keep_days=14, quota_bytes=100 << 30, keep_clips=True)


async def choose(
    catalog: Catalog, wish: Choice, channel: str = "live", *, admin: bool = False
) -> Choice:
    by = "admin" if admin else "owner"
    return await catalog.keepings.choose(channel, wish, SERVER, by=by, now_ms=NOW_MS, admin=admin)


async def test_a_channel_of_which_nobody_chose_anything_says_nothing(catalog: Catalog) -> None:
    assert await catalog.keepings.of("live") == Choice()


async def test_what_was_chosen_last_counts_for_its_channel(catalog: Catalog) -> None:
    await choose(catalog, Choice(7, 5, keep_clips=False))
    await choose(catalog, Choice(3, None, keep_clips=True))
    await choose(catalog, Choice(1), "other")
    assert await catalog.keepings.of("live") == Choice(3, None, keep_clips=True)
    assert await catalog.keepings.of("other") == Choice(1)


async def test_an_owner_that_goes_too_far_changes_nothing(catalog: Catalog) -> None:
    await choose(catalog, Choice(7))
    with pytest.raises(BeyondLimit):
        await choose(catalog, Choice(15))
    assert await catalog.keepings.of("live") == Choice(7)


async def test_what_the_admin_allowed_stays_allowed(catalog: Catalog) -> None:
    await choose(catalog, Choice(90, 0), admin=True)
    await choose(catalog, Choice(20, 5))
    assert await choose(catalog, Choice(90, 0)) == Choice(90, 0, None, 90, 0)
    # Nobody can grant something to itself.
    with pytest.raises(BeyondLimit):
        await choose(catalog, Choice(91, granted_days=100))


async def test_a_channel_that_is_made_anew_begins_anew(catalog: Catalog) -> None:
    await choose(catalog, Choice(90, 0), admin=True)
    await catalog.keepings.forget("live")
    await catalog.keepings.forget("live")
    assert await catalog.keepings.of("live") == Choice()


async def test_two_may_choose_at_once(catalog: Catalog) -> None:
    wishes = [Choice(days) for days in range(1, 6)]
    await asyncio.gather(*(choose(catalog, wish) for wish in wishes))
    assert await catalog.keepings.of("live") in wishes
