"""The tables of the catalog are what their migrations make, and take what strangers write."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.engine import URL

from recorder.catalog import migrations
from recorder.catalog.catalog import Catalog
from recorder.catalog.models import VERSION_TABLE, Base
from sluice.database import Database
from tests.recorder.catalog.world import add


async def test_the_migrations_make_what_the_models_say(database_url: URL) -> None:
    database = Database(database_url, migrations.FOLDER)
    await database.open()

    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        return list(compare_metadata(context, Base.metadata))

    async with database.reading() as session:
        assert await (await session.connection()).run_sync(differences) == []
    await database.close()


async def test_what_postgresql_has_no_place_for_is_left_out(catalog: Catalog) -> None:
    await add(catalog)
    vod = await catalog.vods.retitle("live-1", "a\0b\ud800c")
    assert vod.title == "a\0b\ud800c"
    found = await catalog.vods.get("live-1")
    assert found is not None
    assert found.title == "ab\N{REPLACEMENT CHARACTER}c"
