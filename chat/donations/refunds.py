"""Refunds that an admin asks for: at most what is left, and asked for once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chat.donations import ledger, orders
from chat.donations.amounts import Money
from chat.donations.books import payment_key
from chat.donations.currencies import Currency
from chat.donations.models import Donation, Refund
from chat.donations.provider import Provider, ProviderError
from sluice.database import Database, lock
from sluice.errors import Problem

_ASKED: Final = "asked"


@dataclass(frozen=True, slots=True)
class Claim:
    """A refund, and the payment that it is of."""

    refund: Refund
    payment: str
    money: Money
    new: bool


class Refunds:
    """The ledger moves when the provider's webhook says so; here the wish is kept and sent."""

    def __init__(self, database: Database, provider: Provider) -> None:
        self._database = database
        self._provider = provider

    async def ask(self, donation: str, amount: int | None, key: str, now_ms: int) -> Claim:
        """Without an amount: all that is left. Again under the same key: the same refund.

        Raises Problem, DatabaseDown.
        """

        async def keep(session: AsyncSession) -> Claim:
            return await self._keep(session, donation, amount, key, now_ms)

        claim = await self._database.write(keep)
        if claim.refund.provider_ref is None and claim.refund.state == _ASKED:
            await self._send(claim)
        return claim

    async def get(self, refund: str) -> Refund:
        """As it stands now. Raises DatabaseDown."""
        async with self._database.reading() as session:
            return await session.get_one(Refund, refund)

    async def _keep(
        self, session: AsyncSession, donation: str, amount: int | None, key: str, now_ms: int
    ) -> Claim:
        order = await session.get(Donation, donation)
        if order is None or order.provider != self._provider.name:
            raise Problem("not-found", "There is no such donation.")
        if order.payment is None:
            raise Problem("refund-refused", "The donation is not paid.")
        paid_by = payment_key(order.provider, order.payment)
        await lock(session, paid_by)
        known = (
            await session.execute(
                select(Refund).where(Refund.donation_id == donation, Refund.idempotency_key == key)
            )
        ).scalar_one_or_none()
        if known is not None:
            if amount is not None and amount != known.amount:
                raise Problem("key-reused", "This Idempotency-Key came with another amount.")
            return Claim(known, order.payment, _money(known.amount, order), new=False)
        payment = await ledger.find(session, paid_by)
        assert payment is not None
        rest = await ledger.left_of(session, payment) - await _on_the_way(session, donation)
        wanted = rest if amount is None else amount
        if not 0 < wanted <= rest:
            shown = _money(rest, order).shown
            raise Problem("refund-refused", f"{shown} of the donation can be given back.")
        refund = Refund(
            id=orders.new_id("ref"),
            donation_id=donation,
            amount=wanted,
            idempotency_key=key,
            state=_ASKED,
            created_ms=now_ms,
        )
        session.add(refund)
        return Claim(refund, order.payment, _money(wanted, order), new=True)

    async def _send(self, claim: Claim) -> None:
        try:
            ref = await self._provider.refund(claim.payment, claim.money, claim.refund.id)
        except ProviderError as error:
            if error.refused:
                await self._note(claim.refund, None)
            # Otherwise it may have worked: the amount stays reserved, and the same key asks again.
            raise orders.provider_problem(error) from error
        await self._note(claim.refund, ref)

    async def _note(self, refund: Refund, ref: str | None) -> None:
        """The provider's name for it, or that it refused. The webhook may have been quicker."""

        async def keep(session: AsyncSession) -> None:
            found = await session.get_one(Refund, refund.id, populate_existing=True)
            if ref is not None:
                found.provider_ref = ref
            elif found.state == _ASKED:
                found.state = "failed"

        await self._database.write(keep)


async def _on_the_way(session: AsyncSession, donation: str) -> int:
    """What is asked for and not in the ledger yet."""
    found = await session.execute(
        select(func.coalesce(func.sum(Refund.amount), 0)).where(
            Refund.donation_id == donation, Refund.state == _ASKED
        )
    )
    return int(found.scalar_one())


def _money(amount: int, order: Donation) -> Money:
    return Money(amount, Currency(order.currency))
