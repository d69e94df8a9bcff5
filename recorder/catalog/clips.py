"""Clips: a stretch of a VOD with a page of its own, which may outlive the VOD."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from recorder.catalog.holding import hold
from recorder.catalog.models import ClipRow
from recorder.catalog.paging import Cursor, Order, Page
from sluice.database import Database
from sluice.storage import Access

_NEWEST: Final[Order[ClipRow]] = Order(
    ClipRow.created_ms, ClipRow.id, lambda row: Cursor(row.created_ms, row.id)
)
_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz234567"
_LETTERS: Final = 12
LATEST_MS: Final = 2**53 - 1


class ClipUnknown(Exception):
    """There is no such clip, or it was deleted. The text is its id."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What a clip is to be of. Moments are VOD ms."""

    vod: str
    from_ms: int
    to_ms: int
    title: str
    by: str
    """A name; empty where nobody has one."""
    output: str | None = None
    """Key of the output that will be it, where that is known already."""

    def __post_init__(self) -> None:
        """Raises ValueError."""
        if not 0 <= self.from_ms < self.to_ms <= LATEST_MS:
            raise ValueError(f"from {self.from_ms} to {self.to_ms} is no stretch of a VOD.")


@dataclass(frozen=True, slots=True)
class Clip:
    id: str
    vod: str
    channel: str
    from_ms: int
    to_ms: int
    title: str
    by: str
    created_ms: int
    state: Literal["making", "ready", "failed"]
    output: str | None
    access: Access
    """As the VOD's is, or was."""


class Clips:
    """All methods raise DatabaseDown."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, stretch: Stretch, now_ms: int) -> Clip:
        """It is `making` then. Raises VodUnknown."""

        async def keep(session: AsyncSession) -> Clip:
            vod = await hold(session, stretch.vod)
            row = ClipRow(
                id="".join(secrets.choice(_ALPHABET) for _ in range(_LETTERS)),
                vod=vod.id,
                channel=vod.channel,
                from_ms=stretch.from_ms,
                to_ms=stretch.to_ms,
                title=stretch.title,
                made_by=stretch.by,
                created_ms=now_ms,
                state="making",
                output=stretch.output,
            )
            session.add(row)
            await session.flush()
            await session.refresh(row)
            return _clip(row)

        return await self._database.write(keep)

    async def get(self, clip: str) -> Clip | None:
        """None where there is none, or none any more."""
        async with self._database.reading() as session:
            row = await session.get(ClipRow, clip)
            return None if row is None or row.state == "deleted" else _clip(row)

    async def page(
        self,
        *,
        channel: str | None = None,
        vod: str | None = None,
        access: Access | None = None,
        before: Cursor | None = None,
        limit: int = 50,
    ) -> Page[Clip]:
        """Newest first: of a channel, of a VOD, or of all; those that anybody may watch, or all."""
        rows = select(ClipRow).where(ClipRow.state != "deleted")
        if channel is not None:
            rows = rows.where(ClipRow.channel == channel)
        if vod is not None:
            rows = rows.where(ClipRow.vod == vod)
        if access is not None:
            rows = rows.where(ClipRow.access == access)
        async with self._database.reading() as session:
            return await _NEWEST.page(session, rows, _clip, before, limit)

    async def making(self) -> Sequence[Clip]:
        """All that are not made yet, the oldest first."""
        async with self._database.reading() as session:
            found = await session.execute(
                select(ClipRow)
                .where(ClipRow.state == "making")
                .order_by(ClipRow.created_ms, ClipRow.id)
            )
            return [_clip(row) for row in found.scalars()]

    async def set_state(
        self, clip: str, state: Literal["making", "ready", "failed"], output: str | None
    ) -> Clip:
        """How its making goes, and the key of what it makes. Raises ClipUnknown."""

        async def keep(session: AsyncSession) -> Clip:
            row = await _hold(session, clip)
            row.state, row.output = state, output
            return _clip(row)

        return await self._database.write(keep)

    async def retitle(self, clip: str, title: str) -> Clip:
        """Raises ClipUnknown."""

        async def keep(session: AsyncSession) -> Clip:
            row = await _hold(session, clip)
            row.title = title
            return _clip(row)

        return await self._database.write(keep)


async def _hold(session: AsyncSession, clip: str) -> ClipRow:
    row = await session.get(ClipRow, clip, with_for_update=True)
    if row is None or row.state == "deleted":
        raise ClipUnknown(clip)
    return row


def _clip(row: ClipRow) -> Clip:
    assert row.state != "deleted"
    return Clip(
        id=row.id,
        vod=row.vod,
        channel=row.channel,
        from_ms=row.from_ms,
        to_ms=row.to_ms,
        title=row.title,
        by=row.made_by,
        created_ms=row.created_ms,
        state=row.state,
        output=row.output,
        access=row.access,
    )
