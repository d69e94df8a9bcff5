"""The catalog as a whole."""

from __future__ import annotations

from sqlalchemy.engine import URL

from chat.donations import migrations as donations
from recorder.catalog.catalog import Catalog
from sluice.database import Database
from tests.recorder.catalog.world import add


async def test_what_was_written_is_there_after_a_restart(database_url: URL) -> None:
    first = Catalog.at(database_url)
    await first.open()
    before = await add(first)
    await first.close()
    second = Catalog.at(database_url)
    await second.open()
    assert await second.vods.get("live-1") == before
    await second.close()


async def test_the_ledger_may_be_in_the_same_database(database_url: URL) -> None:
    ledger = Database(database_url, donations.FOLDER)
    await ledger.open()
    catalog = Catalog.at(database_url)
    await catalog.open()
    await add(catalog)
    await ledger.open()
    await ledger.close()
    await catalog.close()
