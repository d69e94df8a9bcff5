"""Who gave most to a channel: by currency, since there is no honest sum of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select

from chat.donations.amounts import Money
from chat.donations.currencies import Currency
from chat.donations.ledger import channel_account
from chat.donations.models import Donation, LedgerEntry, Transaction
from sluice.database import Database


@dataclass(frozen=True, slots=True)
class Donor:
    """A place on the board. `user_id` is None for a name that anybody may type."""

    user_id: str | None
    name: str
    given: Money
    """What is left after refunds."""
    donations: int


class Leaderboard:
    """Reads the ledger; whoever gave no name is not on it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def top(self, channel: str, since_ms: int, limit: int) -> Sequence[Donor]:
        """The first `limit` of each currency, by currency, the largest first. Who gave first
        stands before who gave as much later. Raises DatabaseDown.
        """
        async with self._database.reading() as session:
            found = await session.execute(
                select(Donation.currency)
                .where(Donation.channel == channel, Donation.paid_ms >= since_ms)
                .distinct()
                .order_by(Donation.currency)
            )
            statements = [_board(channel, currency, since_ms, limit) for (currency,) in found]
            return [
                Donor(user, name, Money(int(total), Currency(currency)), int(count))
                for statement in statements
                for user, name, currency, total, count in await session.execute(statement)
            ]


def _board(
    channel: str, currency: str, since_ms: int, limit: int
) -> Select[str | None, str, str, int, int]:
    total = func.sum(-LedgerEntry.amount)
    # A name without an account is a donor of its own: it must not add to a user of that name.
    donor = func.coalesce(Donation.user_id, "name:" + Donation.user_name)
    return (
        select(
            func.max(Donation.user_id),
            func.max(Donation.user_name),
            Donation.currency,
            total,
            func.count(Donation.id.distinct()),
        )
        .join(Transaction, Transaction.order_id == Donation.id)
        .join(LedgerEntry, LedgerEntry.transaction_id == Transaction.id)
        .where(
            Donation.channel == channel,
            Donation.currency == currency,
            Donation.paid_ms >= since_ms,
            Donation.user_name != "",
            LedgerEntry.account == channel_account(channel),
        )
        .group_by(donor, Donation.currency)
        .having(total > 0)
        .order_by(total.desc(), func.min(Donation.paid_ms), donor)
        .limit(limit)
    )
