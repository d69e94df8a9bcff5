"""Monthly support: a badge and rights in the room, until what is paid for has passed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chat.donations import orders
from chat.donations.amounts import Money
from chat.donations.models import Subscription
from chat.donations.provider import Order, Provider
from sluice.database import Database, lock
from sluice.errors import Problem

GRACE_MS: Final = 86_400_000
"""Providers collect the next month's money some hours after the month began."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for."""

    channel: str
    price: Money
    user_id: str
    user_name: str
    return_url: str
    key: str | None


class Subscriptions:
    """Makes them; the provider's webhooks then say what is paid."""

    def __init__(self, database: Database, provider: Provider) -> None:
        self._database = database
        self._provider = provider

    async def begin(self, wish: Wish, now_ms: int) -> tuple[Subscription, bool]:
        """The subscription with its checkout, and whether it is new. Raises Problem, DatabaseDown.

        Nobody subscribes twice to a channel, and an unpaid wish may be taken up again.
        """
        asked = orders.fingerprint(wish.price.amount, wish.price.currency, wish.user_id)

        async def keep(session: AsyncSession) -> tuple[Subscription, bool]:
            await lock(session, f"subscriptions:{wish.channel}:{wish.user_id}")
            if wish.key is not None:
                found = await session.execute(
                    select(Subscription).where(
                        Subscription.channel == wish.channel,
                        Subscription.idempotency_key == wish.key,
                    )
                )
                known = found.scalar_one_or_none()
                if known is not None:
                    orders.same(known.fingerprint, asked)
                    return known, False
            theirs = await _of_person(session, wish.channel, wish.user_id)
            if any(one.ended_ms is None and until(one) > now_ms for one in theirs):
                raise Problem("subscribed-already", "This person is subscribed to the channel.")
            made = Subscription(
                id=orders.new_id("sub"),
                channel=wish.channel,
                provider=self._provider.name,
                amount=wish.price.amount,
                currency=wish.price.currency,
                user_id=wish.user_id,
                user_name=wish.user_name,
                idempotency_key=wish.key,
                fingerprint=asked,
                created_ms=now_ms,
                months=0,
                paid_until_ms=0,
            )
            session.add(made)
            return made, True

        subscription, new = await self._database.write(keep)
        if subscription.checkout_url is None:
            subscription = await self._check_out(subscription, wish)
        return subscription, new

    async def get(self, subscription: str) -> Subscription | None:
        """Raises DatabaseDown."""
        async with self._database.reading() as session:
            return await session.get(Subscription, subscription)

    async def _check_out(self, made: Subscription, wish: Wish) -> Subscription:
        order = Order(
            id=made.id,
            purpose="subscription",
            money=made.money,
            description=f"Subscription to {made.channel}",
            return_url=wish.return_url,
        )
        checkout = await orders.check_out(self._provider, order)

        async def keep(session: AsyncSession) -> Subscription:
            found = await session.get_one(Subscription, made.id)
            found.checkout_ref, found.checkout_url = checkout.ref, checkout.url
            return found

        return await self._database.write(keep)


def until(subscription: Subscription) -> int:
    """When its rights lapse; in the past for one that was never paid."""
    if subscription.paid_until_ms == 0:
        return 0
    lapses = subscription.paid_until_ms + GRACE_MS
    ended = subscription.ended_ms
    return lapses if ended is None else min(lapses, ended)


async def standing(session: AsyncSession, subscription: str) -> bytes:
    """The body of the room's entry `subscription`: until when its person has the rights of one,
    from whichever subscription lasts longest.
    """
    one = await session.get_one(Subscription, subscription)
    theirs = await _of_person(session, one.channel, one.user_id)
    last = max(until(each) for each in theirs)
    return msgspec.json.encode({"user": one.user_id, "until": last})


async def _of_person(session: AsyncSession, channel: str, user: str) -> list[Subscription]:
    found = await session.execute(
        select(Subscription).where(Subscription.channel == channel, Subscription.user_id == user)
    )
    return list(found.scalars().all())
