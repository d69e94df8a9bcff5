"""A VOD's row, held while something that belongs to the VOD is written."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from recorder.catalog.models import VodRow


class VodUnknown(Exception):
    """There is no such VOD, or it was deleted. The text is its id."""


async def hold(session: AsyncSession, vod: str) -> VodRow:
    """Held to the transaction's end: meanwhile it is not deleted. Raises VodUnknown."""
    row = await session.get(VodRow, vod, with_for_update=True)
    if row is None or row.state == "deleted":
        raise VodUnknown(vod)
    return row
