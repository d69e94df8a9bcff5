"""The catalog as a whole: one database, and what can be asked of it."""

from __future__ import annotations

from sqlalchemy.engine import URL

from recorder.catalog import migrations
from recorder.catalog.chapters import Chapters
from recorder.catalog.clips import Clips
from recorder.catalog.cues import Cues
from recorder.catalog.deletions import Deletions
from recorder.catalog.keepings import Keepings
from recorder.catalog.outputs import Outputs
from recorder.catalog.quota import Quota
from recorder.catalog.tracks import Tracks
from recorder.catalog.vods import Vods
from sluice.database import Database


class Catalog:
    """Closing it closes the database."""

    def __init__(self, database: Database) -> None:
        """The database must have been made with the catalog's migrations: see `at`."""
        self._database = database
        self.vods = Vods(database)
        self.chapters = Chapters(database)
        self.clips = Clips(database)
        self.tracks = Tracks(database)
        self.cues = Cues(database)
        self.outputs = Outputs(database)
        self.deletions = Deletions(database)
        self.quota = Quota(database)
        self.keepings = Keepings(database)

    @classmethod
    def at(cls, url: str | URL, *, busy_s: float = 5.0) -> Catalog:
        """Of a database that may be empty. Nothing is connected yet."""
        return cls(Database(url, migrations.FOLDER, busy_s=busy_s))

    async def open(self) -> None:
        """Bring the tables to this version. Raises DatabaseDown."""
        await self._database.open()

    async def close(self) -> None:
        await self._database.close()
