"""The counter as a whole."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from chat.donations import migrations
from chat.donations import till as till_module
from chat.donations.till import Till
from chat.entry import Draft
from sluice.database import Database, DatabaseDown, sqlite_url
from tests.chat.donations import kills
from tests.chat.donations.world import EUR, Rooms, World, euros


class Telling(Rooms):
    """Says when something came."""

    def __init__(self) -> None:
        super().__init__()
        self.told = asyncio.Event()

    async def raise_alert(self, channel: str, draft: Draft) -> None:
        await super().raise_alert(channel, draft)
        self.told.set()


def open_till(world: World, rooms: Rooms) -> Till:
    return Till(
        world.database, world.provider, rooms, world.till.wording, world.clock, world.counts
    )


async def test_from_the_webhook_to_the_room_nobody_has_to_push(world: World) -> None:
    rooms = Telling()
    till = open_till(world, rooms)
    await till.open()
    letter = world.payment(await world.donate())
    assert await till.hear(letter.body, world.provider.sign(letter, world.now_ms)) == "applied"
    await rooms.told.wait()
    assert len(rooms.drafts) == 1
    await till.close()


async def test_what_was_left_untold_is_told_at_the_next_start(world: World) -> None:
    await world.paid()
    rooms = Telling()
    till = open_till(world, rooms)
    await till.open()
    await rooms.told.wait()
    assert len(rooms.drafts) == 1
    await till.close()


async def test_the_pretend_provider_is_heard_through_its_webhook(world: World) -> None:
    donation = await world.paid(euros(500))
    await world.till.refunds.ask(donation.id, 100, "k", world.now_ms)
    assert world.till.fake is world.provider
    await world.till.hear_fake(world.provider)
    assert await world.balance() == {EUR: -400}


async def test_a_ledger_that_is_down_at_the_start_is_opened_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(till_module, "RETRY_S", 0)
    folder = tmp_path / "later"
    world = World(Database(sqlite_url(folder / "m.db"), migrations.FOLDER))
    rooms = Telling()
    till = open_till(world, rooms)
    await till.open()
    with pytest.raises(DatabaseDown):
        await world.donate()
    folder.mkdir()
    while True:
        try:
            donation = await world.donate()
            break
        except DatabaseDown:
            continue
    letter = world.payment(donation)
    await till.hear(letter.body, world.provider.sign(letter, world.now_ms))
    await rooms.told.wait()
    await till.close()


async def test_after_forty_kills_no_cent_is_wrong_and_every_alert_was_raised_once(
    tmp_path: Path, database_url: URL
) -> None:
    """`python -m tests.chat.donations.kills` does it as often as one likes."""
    seed = secrets.randbelow(10**6)
    report = await kills.run(tmp_path, database_url, 40, seed)
    print(report)
    assert report.faults == [], report
    assert report.kills == 40
    assert report.donations > 20
