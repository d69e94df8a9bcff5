"""A donation before it is paid: ours, with an amount that nobody can change afterwards."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chat.donations import ledger, orders
from chat.donations.amounts import Money
from chat.donations.books import payment_key
from chat.donations.models import Donation
from chat.donations.provider import Order, Provider
from sluice.database import Database


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for, already cleaned and within the limits."""

    channel: str
    money: Money
    user_id: str | None
    user_name: str
    """Empty: nobody is to know."""
    message: str
    seen_ms: int | None
    return_url: str
    key: str | None
    """Idempotency-Key."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A donation, and what is left of it after refunds and disputes; 0 before it is paid."""

    donation: Donation
    left: int


class Intents:
    """Makes them, and looks them up."""

    def __init__(self, database: Database, provider: Provider) -> None:
        self._database = database
        self._provider = provider

    async def begin(self, wish: Wish, now_ms: int) -> tuple[Donation, bool]:
        """The donation with its checkout, and whether it is new.

        The same wish under the same key is the same donation. Raises Problem, DatabaseDown.
        """
        asked = orders.fingerprint(
            wish.money.amount, wish.money.currency, wish.user_id, wish.user_name, wish.message,
            wish.seen_ms,
        )  # fmt: skip

        async def keep(session: AsyncSession) -> tuple[Donation, bool]:
            if wish.key is not None:
                found = await session.execute(
                    select(Donation).where(
                        Donation.channel == wish.channel, Donation.idempotency_key == wish.key
                    )
                )
                known = found.scalar_one_or_none()
                if known is not None:
                    orders.same(known.fingerprint, asked)
                    return known, False
            donation = Donation(
                id=orders.new_id("don"),
                channel=wish.channel,
                provider=self._provider.name,
                amount=wish.money.amount,
                currency=wish.money.currency,
                user_id=wish.user_id,
                user_name=wish.user_name,
                message=wish.message,
                seen_ms=wish.seen_ms,
                idempotency_key=wish.key,
                fingerprint=asked,
                created_ms=now_ms,
            )
            session.add(donation)
            return donation, True

        donation, new = await self._database.write(keep)
        if donation.checkout_url is None:
            # Outside of the transaction: a provider may take seconds. A kill between the two is
            # healed by the next try under the same key.
            donation = await self._check_out(donation, wish)
        return donation, new

    async def get(self, donation: str) -> Standing | None:
        """Raises DatabaseDown."""
        async with self._database.reading() as session:
            found = await session.get(Donation, donation)
            if found is None:
                return None
            if found.payment is None:
                return Standing(found, 0)
            payment = await ledger.find(session, payment_key(found.provider, found.payment))
            assert payment is not None
            return Standing(found, await ledger.left_of(session, payment))

    async def _check_out(self, donation: Donation, wish: Wish) -> Donation:
        order = Order(
            id=donation.id,
            purpose="donation",
            money=donation.money,
            description=f"Donation to {donation.channel}",
            return_url=wish.return_url,
        )
        checkout = await orders.check_out(self._provider, order)

        async def keep(session: AsyncSession) -> Donation:
            found = await session.get_one(Donation, donation.id)
            found.checkout_ref, found.checkout_url = checkout.ref, checkout.url
            return found

        return await self._database.write(keep)
