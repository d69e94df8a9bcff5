"""How much room a channel takes up: its chunks, what was made of them, and clips that stayed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from recorder.catalog.models import OutputRow, VodRow
from recorder.retention import Kept
from sluice.database import Database


@dataclass(frozen=True, slots=True)
class Holdings:
    """Of one channel."""

    vods: Sequence[Kept]
    """The oldest first."""
    other_bytes: int
    """Of clips whose VOD is deleted."""

    @property
    def size_bytes(self) -> int:
        return self.other_bytes + sum(one.size_bytes for one in self.vods)


class Quota:
    """All methods raise DatabaseDown."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def channels(self) -> Sequence[str]:
        """All that have anything to be deleted."""
        async with self._database.reading() as session:
            found = await session.execute(
                select(VodRow.channel)
                .where(VodRow.state != "deleted")
                .distinct()
                .order_by(VodRow.channel)
            )
            return found.scalars().all()

    async def weigh(self, channel: str) -> Holdings:
        made = (
            select(OutputRow.vod, func.sum(OutputRow.size).label("size"))
            .join(VodRow, VodRow.id == OutputRow.vod)
            .where(VodRow.channel == channel)
            .group_by(OutputRow.vod)
            .subquery()
        )
        async with self._database.reading() as session:
            found = await session.execute(
                select(VodRow, func.coalesce(made.c.size, 0))
                .outerjoin(made, made.c.vod == VodRow.id)
                .where(VodRow.channel == channel)
                .order_by(VodRow.began_ms, VodRow.id)
            )
            vods, other_bytes = [], 0
            for row, output_bytes in found:
                if row.state == "deleted":
                    other_bytes += int(output_bytes)
                else:
                    vods.append(_kept(row, int(output_bytes)))
            return Holdings(vods, other_bytes)


def _kept(row: VodRow, output_bytes: int) -> Kept:
    return Kept(
        id=row.id,
        began_ms=row.began_ms,
        size_bytes=row.size_bytes + output_bytes,
        recording=row.state == "recording",
        keep_until_ms=row.keep_until_ms,
        keep_chosen=row.keep_chosen,
    )
