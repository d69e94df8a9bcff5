"""Every test of the catalog runs on SQLite and on a real PostgreSQL, unless it says otherwise."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.engine import URL

from recorder.catalog.catalog import Catalog


@pytest.fixture
async def catalog(database_url: URL) -> AsyncIterator[Catalog]:
    opened = Catalog.at(database_url)
    await opened.open()
    yield opened
    await opened.close()
