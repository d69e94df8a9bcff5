"""Every test of money runs on SQLite and on a real PostgreSQL, unless it says otherwise."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.engine import URL

from chat.donations import migrations
from sluice.database import Database
from tests.chat.donations.world import World


@pytest.fixture
async def database(database_url: URL) -> AsyncIterator[Database]:
    opened = Database(database_url, migrations.FOLDER)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def world(database: Database) -> World:
    return World(database)
