"""Tells rooms what the books say: what was written there is told, and told once.

    due = await outbox.drain(now_ms)      until there is nothing left, then wait until `due`

Each row was written with the money that it tells of. It is told again until the room's log has
taken it; the row's key makes the log take it once, wherever a kill falls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from chat.donations import goals, subscriptions
from chat.donations.alerts import Alerts
from chat.donations.models import OutboxRow
from chat.donations.webhook import Meter
from chat.entry import Draft
from chat.log import LogError
from sluice.clock import Clock
from sluice.database import Database, DatabaseDown

log = structlog.get_logger(__name__)

BATCH: Final = 100
FIRST_RETRY_MS: Final = 500
LAST_RETRY_MS: Final = 60_000
POLL_MS: Final = 5_000
"""Another server may have written rows, and died."""


class Outbox:
    """`run` is the task; `wake` tells it of new rows."""

    def __init__(self, database: Database, alerts: Alerts, clock: Clock, meter: Meter) -> None:
        self._database = database
        self._alerts = alerts
        self._clock = clock
        self._meter = meter
        self._news = asyncio.Event()
        self._stopping = False

    def wake(self) -> None:
        self._news.set()

    def stop(self) -> None:
        """`run` tells what there is and ends; nothing is left half noted."""
        self._stopping = True
        self._news.set()

    async def run(self) -> None:
        """Until `stop`, or cancelled."""
        while True:
            self._news.clear()
            due_ms = None
            try:
                due_ms = await self.drain(self._clock.wall_ms())
            except DatabaseDown as error:
                log.warning("outbox waits for the database", problem=str(error))
            except Exception:
                # A fault of ours must not silence every room for good.
                log.exception("outbox failed; it is tried again")
            if self._stopping:
                return
            wait_ms = POLL_MS
            if due_ms is not None:
                wait_ms = min(wait_ms, max(0, due_ms - self._clock.wall_ms()))
            try:
                async with asyncio.timeout(wait_ms / 1000):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def drain(self, now_ms: int) -> int | None:
        """Tell what is due. When the next row is due; None: there is none. Raises DatabaseDown."""
        while rows := await self._due(now_ms):
            failed = await self._tell(rows, now_ms)
            await self._note(rows, failed, now_ms)
        async with self._database.reading() as session:
            found = await session.execute(
                select(func.min(OutboxRow.due_ms)).where(OutboxRow.done_ms.is_(None))
            )
            return found.scalar_one()

    async def _due(self, now_ms: int) -> Sequence[OutboxRow]:
        async with self._database.reading() as session:
            found = await session.execute(
                select(OutboxRow)
                .where(OutboxRow.done_ms.is_(None), OutboxRow.due_ms <= now_ms)
                .order_by(OutboxRow.id)
                .limit(BATCH)
            )
            return found.scalars().all()

    async def _tell(self, rows: Sequence[OutboxRow], now_ms: int) -> dict[int, str]:
        """Those that the room did not take, and why."""
        failed: dict[int, str] = {}
        newest_goal = {row.channel: row.id for row in rows if row.kind == "goal"}
        for row in rows:
            if row.kind == "goal" and newest_goal[row.channel] != row.id:
                continue  # the later one says as much
            try:
                draft = await self._draft(row, now_ms)
                if draft is not None:
                    await self._alerts.raise_alert(row.channel, draft)
            except LogError as error:
                failed[row.id] = str(error)
            except DatabaseDown:
                raise
            except Exception as error:  # one bad row must not hold up all others
                log.error("outbox row failed", key=row.key, exc_info=error)
                failed[row.id] = f"{type(error).__name__}: {error}"
            self._meter.told("failed" if row.id in failed else "done")
        if failed:
            problem = next(iter(failed.values()))
            log.warning("rooms not told, tried again", rows=len(failed), problem=problem)
        return failed

    async def _draft(self, row: OutboxRow, now_ms: int) -> Draft | None:
        """What changes is read now: a row that was late must not tell what is past."""
        body = row.body
        if not body:
            async with self._database.reading() as session:
                if row.kind == "goal":
                    progress = await goals.progress(session, row.channel)
                    if progress is None:
                        return None
                    body = progress.body
                else:
                    body = await subscriptions.standing(session, row.subject)
        return Draft(
            kind=row.kind,
            body=body,
            t_recv=now_ms,
            t_seen=row.seen_ms,
            key=row.key,
            key_ttl_ms=None,
        )

    async def _note(self, rows: Sequence[OutboxRow], failed: dict[int, str], now_ms: int) -> None:
        done = [row.id for row in rows if row.id not in failed]

        async def keep(session: AsyncSession) -> None:
            if done:
                await session.execute(
                    update(OutboxRow).where(OutboxRow.id.in_(done)).values(done_ms=now_ms)
                )
            for row in rows:
                if row.id in failed:
                    wait_ms = min(LAST_RETRY_MS, FIRST_RETRY_MS << min(row.attempts, 16))
                    await session.execute(
                        update(OutboxRow)
                        .where(OutboxRow.id == row.id)
                        .values(
                            attempts=row.attempts + 1,
                            due_ms=now_ms + wait_ms,
                            problem=failed[row.id][:500],
                        )
                    )

        await self._database.write(keep)
