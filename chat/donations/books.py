"""Enters what a provider told into the books: ledger, orders and outbox, in one transaction.

    entered = await enter(session, provider, event, ...)

Every event may come twice, late, or before the one that it builds on. Movements are named by what
they are, not by the event that told of them, so that each happens once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chat.donations import ledger
from chat.donations.amounts import Money
from chat.donations.models import (
    Donation,
    Goal,
    OutboxRow,
    Outcome,
    Refund,
    RefundState,
    Subscription,
    TransactionKind,
)
from chat.donations.provider import (
    Disputed,
    DisputeWon,
    Ended,
    Event,
    Irrelevant,
    Paid,
    Refunded,
    RefundFailed,
    Renewed,
)
from chat.donations.wording import Wording
from chat.entry import Kind
from sluice.database import lock


@dataclass(frozen=True, slots=True)
class Entered:
    """What became of an event. `key` is that of the movement that was written."""

    outcome: Outcome
    reason: str = ""
    key: str | None = None
    waits_for: str | None = None


def payment_key(provider: str, payment: str) -> str:
    return f"payment:{provider}:{payment}"


async def enter(
    session: AsyncSession, provider: str, event: Event, now_ms: int, wording: Wording
) -> Entered:
    """Write what follows from a verified event of this provider."""
    match event:
        case Irrelevant():
            return Entered("ignored")
        case Paid():
            return await _paid(session, provider, event, now_ms, wording)
        case Renewed():
            return await _renewed(session, provider, event, now_ms)
        case Ended():
            return await _ended(session, provider, event, now_ms)
        case Refunded():
            await _settle_refund(session, event, "done")
            back = _Back("refund", f"refund:{provider}:{event.refund}", event.money)
            return await _take_back(session, payment_key(provider, event.payment), back, now_ms)
        case RefundFailed():
            await _settle_refund(session, event, "failed")
            original = f"refund:{provider}:{event.refund}"
            again = _Back("refund_failed", f"refund_failed:{provider}:{event.refund}", event.money)
            return await _give_again(session, original, again, now_ms)
        case Disputed():
            back = _Back("dispute", f"dispute:{provider}:{event.dispute}", event.money)
            return await _take_back(session, payment_key(provider, event.payment), back, now_ms)
        case DisputeWon():
            original = f"dispute:{provider}:{event.dispute}"
            again = _Back("dispute_won", f"dispute_won:{provider}:{event.dispute}", event.money)
            return await _give_again(session, original, again, now_ms)
        case _:
            assert_never(event)


# --- money comes


async def _paid(
    session: AsyncSession, provider: str, event: Paid, now_ms: int, wording: Wording
) -> Entered:
    key = payment_key(provider, event.payment)
    await lock(session, event.order)
    await lock(session, key)
    donation = await session.get(Donation, event.order, populate_existing=True)
    if donation is None or donation.provider != provider:
        return Entered("quarantined", "There is no such donation.")
    if await ledger.find(session, key) is not None:
        return Entered("repeated")
    if donation.payment is not None:
        return Entered("quarantined", f"The donation was paid by {donation.payment} already.")
    if event.money != donation.money:
        return Entered("quarantined", _differs(event.money, donation.money))
    await _receive(session, key, donation, provider, now_ms)
    donation.payment = event.payment
    donation.paid_ms = now_ms
    session.add(_alert(donation, now_ms, wording))
    await _tell_goal(session, key, donation, now_ms)
    return Entered("applied", key=key)


async def _renewed(session: AsyncSession, provider: str, event: Renewed, now_ms: int) -> Entered:
    key = payment_key(provider, event.payment)
    await lock(session, event.order)
    await lock(session, key)
    order = await session.get(Subscription, event.order, populate_existing=True)
    if order is None or order.provider != provider:
        return Entered("quarantined", "There is no such subscription.")
    if await ledger.find(session, key) is not None:
        return Entered("repeated")
    if event.money != order.money:
        return Entered("quarantined", _differs(event.money, order.money))
    await _receive(session, key, order, provider, now_ms)
    order.months += 1
    order.paid_until_ms = max(order.paid_until_ms, event.until_ms)
    session.add(_subscription_alert(order, now_ms))
    session.add(_standing(f"subscription-until:{key}", order, now_ms))
    await _tell_goal(session, key, order, now_ms)
    return Entered("applied", key=key)


async def _receive(
    session: AsyncSession, key: str, order: Donation | Subscription, provider: str, now_ms: int
) -> None:
    movement = ledger.Movement(
        key=key,
        kind="payment",
        order=order.id,
        debit=ledger.provider_account(provider),
        credit=ledger.channel_account(order.channel),
        money=order.money,
        at_ms=now_ms,
    )
    await ledger.post(session, movement)


async def _ended(session: AsyncSession, provider: str, event: Ended, now_ms: int) -> Entered:
    await lock(session, event.order)
    order = await session.get(Subscription, event.order, populate_existing=True)
    if order is None or order.provider != provider:
        return Entered("quarantined", "There is no such subscription.")
    if order.ended_ms is not None:
        return Entered("repeated")
    order.ended_ms = event.at_ms
    session.add(_standing(f"subscription-end:{order.id}", order, now_ms))
    return Entered("applied")


# --- money goes, and comes again


@dataclass(frozen=True, slots=True)
class _Back:
    """A movement that reverses another one."""

    kind: TransactionKind
    key: str
    money: Money


async def _take_back(session: AsyncSession, payment: str, back: _Back, now_ms: int) -> Entered:
    """A refund or a dispute of a payment: at most what is left of it."""
    await lock(session, payment)
    await lock(session, back.key)
    paid = await ledger.find(session, payment)
    if paid is None:
        return Entered("waiting", "The payment is not known yet.", waits_for=payment)
    if await ledger.find(session, back.key) is not None:
        return Entered("repeated")
    currency = (await ledger.sides(session, paid)).money.currency
    left = Money(await ledger.left_of(session, paid), currency)
    if back.money.currency != currency or not 0 < back.money.amount <= left.amount:
        return Entered("quarantined", f"{back.money.shown} of what is left, {left.shown}.")
    await ledger.reverse(session, paid, back.key, back.kind, back.money, now_ms)
    await _tell_goal(session, back.key, await _order(session, paid.order_id), now_ms)
    return Entered("applied", key=back.key)


async def _give_again(session: AsyncSession, original: str, again: _Back, now_ms: int) -> Entered:
    """The reversal of a refund or a dispute: all of it, once."""
    await lock(session, original)
    taken = await ledger.find(session, original)
    if taken is None:
        return Entered("waiting", "What it reverses is not known yet.", waits_for=original)
    if await ledger.find(session, again.key) is not None:
        return Entered("repeated")
    before = (await ledger.sides(session, taken)).money
    if again.money != before:
        return Entered("quarantined", _differs(again.money, before))
    await ledger.reverse(session, taken, again.key, again.kind, again.money, now_ms)
    await _tell_goal(session, again.key, await _order(session, taken.order_id), now_ms)
    return Entered("applied", key=again.key)


async def _settle_refund(
    session: AsyncSession, event: Refunded | RefundFailed, state: RefundState
) -> None:
    """What we asked for came true, or did not. A failure is final, whichever comes first."""
    named = Refund.id == event.key if event.key is not None else Refund.provider_ref == event.refund
    found = (await session.execute(select(Refund).where(named))).scalar_one_or_none()
    if found is not None and found.state != "failed":
        found.state = state


def _differs(told: Money, ours: Money) -> str:
    return f"{told.shown} ({told.currency}) is not {ours.shown} ({ours.currency})."


# --- what rooms are told


def _alert(donation: Donation, now_ms: int, wording: Wording) -> OutboxRow:
    parts = wording.parts(donation.message)
    user = {"name": donation.user_name}
    if donation.user_id is not None:
        user["id"] = donation.user_id
    body = {
        "what": "donation",
        "donation": donation.id,
        "user": user,
        "amount": donation.amount,
        "currency": donation.currency,
        "shown": donation.money.shown,
        "text": "" if parts is None else donation.message,
        "parts": parts or [],
    }
    return OutboxRow(
        key=f"donation:{donation.id}",
        kind="alert",
        channel=donation.channel,
        subject=donation.id,
        body=msgspec.json.encode(body),
        seen_ms=donation.seen_ms,
        created_ms=now_ms,
        due_ms=now_ms,
        attempts=0,
        problem="",
    )


def _subscription_alert(order: Subscription, now_ms: int) -> OutboxRow:
    body = {
        "what": "subscription",
        "donation": order.id,
        "user": {"id": order.user_id, "name": order.user_name},
        "amount": order.amount,
        "currency": order.currency,
        "shown": order.money.shown,
        "text": "",
        "parts": [],
        "months": order.months,
    }
    return _row(
        f"subscription:{order.id}:{order.months}", "alert", order, now_ms, msgspec.json.encode(body)
    )


def _standing(key: str, order: Subscription, now_ms: int) -> OutboxRow:
    return _row(key, "subscription", order, now_ms)


async def _tell_goal(
    session: AsyncSession, movement: str, order: Donation | Subscription, now_ms: int
) -> None:
    """Where the channel collects for something in this currency."""
    goal = await session.get(Goal, order.channel)
    if goal is not None and goal.currency == order.currency:
        session.add(_row(f"goal:{movement}", "goal", order, now_ms))


async def _order(session: AsyncSession, order: str) -> Donation | Subscription:
    """Whose payment it was."""
    donation = await session.get(Donation, order)
    return donation if donation is not None else await session.get_one(Subscription, order)


def _row(
    key: str, kind: Kind, order: Donation | Subscription, now_ms: int, body: bytes = b""
) -> OutboxRow:
    return OutboxRow(
        key=key,
        kind=kind,
        channel=order.channel,
        subject=order.id,
        body=body,
        created_ms=now_ms,
        due_ms=now_ms,
        attempts=0,
        problem="",
    )
