"""A VOD's chapters: those that were found, or the owner's own list in their place."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from recorder.catalog.holding import hold
from recorder.catalog.models import ChapterRow, VodRow
from recorder.chapters import MOST_EDITED, Chapter
from sluice.database import Database


class Chapters:
    """Both lists are kept. All methods raise DatabaseDown; those that change something,
    VodUnknown.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, vod: str) -> Sequence[Chapter]:
        """What is shown, by time: the owner's list if there is one, else what was found."""
        async with self._database.reading() as session:
            found = await session.execute(
                select(ChapterRow)
                .join(VodRow, VodRow.id == ChapterRow.vod)
                .where(VodRow.id == vod, ChapterRow.edited == VodRow.chapters_edited)
                .order_by(ChapterRow.number)
            )
            return [Chapter(row.at_ms, row.title, row.source) for row in found.scalars()]

    async def put_found(self, vod: str, chapters: Sequence[Chapter]) -> bool:
        """Replace what was found. False: it is kept, and the owner's list is shown."""

        async def keep(session: AsyncSession) -> bool:
            row = await hold(session, vod)
            await _replace(session, vod, chapters, edited=False)
            return not row.chapters_edited

        return await self._database.write(keep)

    async def edit(self, vod: str, chapters: Sequence[Chapter]) -> None:
        """The owner's list, from now on; it may be empty."""

        async def keep(session: AsyncSession) -> None:
            row = await hold(session, vod)
            await _replace(session, vod, chapters, edited=True)
            row.chapters_edited = True

        await self._database.write(keep)

    async def unedit(self, vod: str) -> None:
        """Drop the owner's list: what was found is shown again."""

        async def keep(session: AsyncSession) -> None:
            row = await hold(session, vod)
            await _replace(session, vod, (), edited=True)
            row.chapters_edited = False

        await self._database.write(keep)


async def _replace(
    session: AsyncSession, vod: str, chapters: Sequence[Chapter], *, edited: bool
) -> None:
    """By time, and not more than a person may make."""
    await session.execute(
        delete(ChapterRow).where(ChapterRow.vod == vod, ChapterRow.edited == edited)
    )
    rows = [
        {
            "vod": vod,
            "edited": edited,
            "number": number,
            "at_ms": one.at_ms,
            "title": one.title,
            "source": one.source,
        }
        for number, one in enumerate(sorted(chapters, key=lambda one: one.at_ms)[:MOST_EDITED])
    ]
    if rows:
        await session.execute(insert(ChapterRow), rows)
