"""What owners and the admin chose about keeping a channel's recordings."""

from __future__ import annotations

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from recorder.catalog.models import KeepingRow
from recorder.retention import Choice, Keeping, allowed, granted
from sluice.database import Database


class Keepings:
    """All methods raise DatabaseDown."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, channel: str) -> Choice:
        """Where nobody chose anything, one that says nothing."""
        async with self._database.reading() as session:
            return _choice(await session.get(KeepingRow, channel))

    async def choose(
        self, channel: str, wish: Choice, server: Keeping, *, by: str, now_ms: int, admin: bool
    ) -> Choice:
        """Set all that there is to choose. Raises BeyondLimit for an owner that wants more than
        the server, or the admin, lets it have; the admin may set anything, and the owner then has
        as much. What `wish` says of grants does not count."""

        async def work(session: AsyncSession) -> Choice:
            row = await session.get(KeepingRow, channel, with_for_update=True)
            before = _choice(row)
            chosen = (granted if admin else allowed)(wish, before, server)
            if row is None:
                row = KeepingRow(channel=channel)
                session.add(row)
            row.keep_days, row.quota_gb = chosen.keep_days, chosen.quota_gb
            row.keep_clips = chosen.keep_clips
            row.granted_days, row.granted_gb = chosen.granted_days, chosen.granted_gb
            row.changed_by, row.changed_ms = by, now_ms
            return chosen

        return await self._database.write(work)

    async def forget(self, channel: str) -> None:
        """The channel is deleted: the next one of its name begins anew."""

        async def work(session: AsyncSession) -> None:
            await session.execute(delete(KeepingRow).where(KeepingRow.channel == channel))

        await self._database.write(work)


def _choice(row: KeepingRow | None) -> Choice:
    if row is None:
        return Choice()
    return Choice(row.keep_days, row.quota_gb, row.keep_clips, row.granted_days, row.granted_gb)
