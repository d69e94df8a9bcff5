"""What a channel collects for, and how far it has come: always as the ledger says."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from chat.donations.amounts import Money
from chat.donations.currencies import Currency
from chat.donations.ledger import channel_account
from chat.donations.models import Goal, LedgerEntry, OutboxRow, Transaction
from sluice.database import Database


@dataclass(frozen=True, slots=True)
class Progress:
    """A goal as it stands. What was refunded does not count."""

    title: str
    target: Money
    reached: Money
    since_ms: int

    @property
    def body(self) -> bytes:
        """As the room's entry `goal` says it."""
        return msgspec.json.encode(
            {
                "title": self.title,
                "currency": self.target.currency,
                "target": self.target.amount,
                "reached": self.reached.amount,
            }
        )


class Goals:
    """One goal a channel."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, channel: str) -> Progress | None:
        """Raises DatabaseDown."""
        async with self._database.reading() as session:
            return await progress(session, channel)

    async def put(
        self, channel: str, title: str, target: Money, now_ms: int, *, restart: bool
    ) -> Progress:
        """Set it, and tell the room. It goes on counting from where it began, unless it is to
        restart or the currency is another one. Raises DatabaseDown.
        """

        async def keep(session: AsyncSession) -> Progress:
            goal = await session.get(Goal, channel, with_for_update=True)
            if goal is None:
                goal = Goal(channel=channel, since_ms=now_ms, version=0)
                session.add(goal)
            elif restart or goal.currency != target.currency:
                goal.since_ms = now_ms
            goal.title, goal.currency, goal.target = title, target.currency, target.amount
            goal.version += 1
            session.add(
                OutboxRow(
                    key=f"goal-set:{channel}:{goal.version}",
                    kind="goal",
                    channel=channel,
                    subject=channel,
                    body=b"",
                    created_ms=now_ms,
                    due_ms=now_ms,
                    attempts=0,
                    problem="",
                )
            )
            await session.flush()
            found = await progress(session, channel)
            assert found is not None
            return found

        return await self._database.write(keep)


async def progress(session: AsyncSession, channel: str) -> Progress | None:
    """None where there is no goal."""
    goal = await session.get(Goal, channel)
    if goal is None:
        return None
    payment = aliased(Transaction)
    found = await session.execute(
        select(func.coalesce(func.sum(-LedgerEntry.amount), 0))
        .join(Transaction, Transaction.id == LedgerEntry.transaction_id)
        .join(payment, payment.id == func.coalesce(Transaction.payment_id, Transaction.id))
        .where(
            LedgerEntry.account == channel_account(channel),
            LedgerEntry.currency == goal.currency,
            payment.at_ms >= goal.since_ms,
        )
    )
    currency = Currency(goal.currency)
    reached = Money(int(found.scalar_one()), currency)
    return Progress(goal.title, Money(goal.target, currency), reached, goal.since_ms)
