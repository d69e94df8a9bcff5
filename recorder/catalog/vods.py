"""The VODs: found in their folders, shown newest first, and what their owner says of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import func, null, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from recorder.catalog.holding import hold
from recorder.catalog.measured import Measured
from recorder.catalog.models import VodRow, VodState
from recorder.catalog.paging import Cursor, Order, Page
from recorder.retention import DAY_MS
from sluice.database import Database
from sluice.storage import Access

_NEWEST: Final[Order[VodRow]] = Order(
    VodRow.began_ms, VodRow.id, lambda row: Cursor(row.began_ms, row.id)
)


@dataclass(frozen=True, slots=True)
class Vod:
    """A broadcast that was recorded, or is being recorded."""

    id: str
    channel: str
    title: str
    state: Literal["recording", "ready", "trouble"]
    trouble: str
    """What is missing of it, for the owner; empty where nothing is."""
    began_ms: int
    """Server time (Unix ms)."""
    ended_ms: int | None
    """None while it grows."""
    duration_ms: int
    """Of what can be played: without gaps."""
    size_bytes: int
    """Of its chunks, without outputs."""
    width: int
    height: int
    """Pixels; 0 where there is only sound."""
    access: Access
    """Who may watch; the channel's, when the recording began."""
    keep_until_ms: int | None
    """When it may be deleted; None: never for its age."""
    keep_chosen: bool
    """The owner said how long; otherwise the channel's rule did."""
    poster: str | None
    """Key of the output with the picture."""


class Vods:
    """Times are Unix ms. All methods raise DatabaseDown; those that change one, VodUnknown."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def adopt(
        self, measured: Measured, access: Access, keep_until_ms: int | None
    ) -> Vod | None:
        """Put it into the catalog, or bring its numbers up to date; again is harmless.

        What people said of it stays: title, access, how long it is kept. None: it was deleted,
        and what was found is a rest of it.
        """

        async def keep(session: AsyncSession) -> Vod | None:
            row = await session.get(VodRow, measured.id, with_for_update=True)
            if row is None:
                row = VodRow(
                    id=measured.id,
                    channel=measured.channel,
                    title=measured.title,
                    access=access,
                    keep_chosen=False,
                    chapters_edited=False,
                )
                session.add(row)
            elif row.state == "deleted":
                return None
            row.title = row.title or measured.title
            row.state, row.trouble = measured.state, measured.trouble
            row.began_ms, row.ended_ms = measured.began_ms, measured.ended_ms
            row.duration_ms, row.size_bytes = measured.duration_ms, measured.size_bytes
            row.width, row.height = measured.width, measured.height
            if not row.keep_chosen:
                row.keep_until_ms = keep_until_ms
            await session.flush()
            return vod_of(row)

        return await self._database.write(keep)

    async def get(self, vod: str) -> Vod | None:
        """None where there is none, or none any more."""
        async with self._database.reading() as session:
            row = await session.get(VodRow, vod)
            return None if row is None or row.state == "deleted" else vod_of(row)

    async def page(
        self,
        *,
        channel: str | None = None,
        access: Access | None = None,
        before: Cursor | None = None,
        limit: int = 50,
    ) -> Page[Vod]:
        """Newest first: of one channel, or of all; those that anybody may watch, or all."""
        rows = select(VodRow).where(VodRow.state != "deleted")
        if channel is not None:
            rows = rows.where(VodRow.channel == channel)
        if access is not None:
            rows = rows.where(VodRow.access == access)
        async with self._database.reading() as session:
            return await _NEWEST.page(session, rows, vod_of, before, limit)

    async def recording(self) -> Sequence[Vod]:
        """All that grow, or that grew when a server died."""
        async with self._database.reading() as session:
            found = await session.execute(
                select(VodRow).where(VodRow.state == "recording").order_by(VodRow.began_ms)
            )
            return [vod_of(row) for row in found.scalars()]

    async def due(self, now_ms: int) -> Sequence[Vod]:
        """All that were kept as long as they are to be, and do not grow; the first due first."""
        async with self._database.reading() as session:
            found = await session.execute(
                select(VodRow)
                .where(
                    VodRow.keep_until_ms <= now_ms, VodRow.state.not_in(("recording", "deleted"))
                )
                .order_by(VodRow.keep_until_ms, VodRow.id)
            )
            return [vod_of(row) for row in found.scalars()]

    async def states(self) -> Mapping[str, VodState]:
        """Of all that ever were in the catalog, by id."""
        async with self._database.reading() as session:
            found = await session.execute(select(VodRow.id, VodRow.state))
            return {row.id: row.state for row in found}

    async def grow(self, vod: str, duration_ms: int, size_bytes: int) -> Vod:
        """How far it has come, while it is recorded."""

        def change(row: VodRow) -> None:
            row.duration_ms, row.size_bytes = duration_ms, size_bytes

        return await self._change(vod, change)

    async def retitle(self, vod: str, title: str) -> Vod:
        def change(row: VodRow) -> None:
            row.title = title

        return await self._change(vod, change)

    async def set_access(self, vod: str, access: Access) -> Vod:
        """Also of its clips."""

        def change(row: VodRow) -> None:
            row.access = access

        return await self._change(vod, change)

    async def set_poster(self, vod: str, output: str | None) -> Vod:
        def change(row: VodRow) -> None:
            row.poster = output

        return await self._change(vod, change)

    async def keep(self, vod: str, until_ms: int | None) -> Vod:
        """The owner says how long; None: for ever. The channel's rule does not count any more."""

        def change(row: VodRow) -> None:
            row.keep_until_ms, row.keep_chosen = until_ms, True

        return await self._change(vod, change)

    async def keep_by_rule(self, vod: str, until_ms: int | None) -> Vod:
        """The owner does not say how long any more; the channel's rule says this."""

        def change(row: VodRow) -> None:
            row.keep_until_ms, row.keep_chosen = until_ms, False

        return await self._change(vod, change)

    async def rule(self, channel: str, keep_days: int) -> int:
        """The channel's rule is this one now, 0 days for ever; for how many VODs it says something
        else than before. Those that the owner spoke of stay as they are."""
        until_ms = null() if keep_days == 0 else VodRow.ended_ms + keep_days * DAY_MS
        touched = (
            VodRow.channel == channel,
            VodRow.state.not_in(("recording", "deleted")),
            VodRow.keep_chosen.is_(False),
            VodRow.keep_until_ms.is_distinct_from(until_ms),
        )
        async with self._database.reading() as session:
            # Every minute, and it hardly ever does: no write for nothing.
            found = await session.execute(select(func.count()).select_from(VodRow).where(*touched))
            count = int(found.scalar_one())
        if count:

            async def change(session: AsyncSession) -> None:
                await session.execute(update(VodRow).where(*touched).values(keep_until_ms=until_ms))

            await self._database.write(change)
        return count

    async def tell_trouble(self, vod: str, trouble: str) -> Vod:
        """Something of it is missing, as the text says. Stays until it is adopted again."""

        def change(row: VodRow) -> None:
            if row.state == "ready":
                row.state = "trouble"
            row.trouble = trouble

        return await self._change(vod, change)

    async def _change(self, vod: str, change: Callable[[VodRow], None]) -> Vod:
        async def keep(session: AsyncSession) -> Vod:
            row = await hold(session, vod)
            change(row)
            return vod_of(row)

        return await self._database.write(keep)


def vod_of(row: VodRow) -> Vod:
    """Not of a deleted one."""
    assert row.state != "deleted"
    return Vod(
        id=row.id,
        channel=row.channel,
        title=row.title,
        state=row.state,
        trouble=row.trouble,
        began_ms=row.began_ms,
        ended_ms=row.ended_ms,
        duration_ms=row.duration_ms,
        size_bytes=row.size_bytes,
        width=row.width,
        height=row.height,
        access=row.access,
        keep_until_ms=row.keep_until_ms,
        keep_chosen=row.keep_chosen,
        poster=row.poster,
    )
