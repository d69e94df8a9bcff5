"""Reads the events of Stripe's webhooks. The fake provider writes the same ones.

Stripe's own minor units differ from ISO 4217 for a few currencies; here is where that ends.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from chat.donations.amounts import Money
from chat.donations.currencies import EXPONENTS, Currency, parse_currency
from chat.donations.provider import (
    Disputed,
    DisputeWon,
    Ended,
    Event,
    EventMalformed,
    Irrelevant,
    Paid,
    Refunded,
    RefundFailed,
    Renewed,
)

ORDER_KEY: Final = "sluice_order"
"""The name in Stripe's metadata under which our order's id travels."""

_DIGITS_AT_STRIPE: Final[dict[Currency, int]] = {
    Currency("ISK"): 2,
    Currency("UGX"): 2,
    Currency("MGA"): 0,
}
"""Where Stripe counts in other units than ISO 4217."""
_LONGEST_ID: Final = 255

_Id = Annotated[str, Meta(min_length=1, max_length=_LONGEST_ID)]
_Amount = Annotated[int, Meta(ge=0, le=10**12)]


def to_stripe(money: Money) -> int:
    """Raises ValueError where the amount is finer than Stripe can take."""
    digits = EXPONENTS[money.currency]
    theirs = _DIGITS_AT_STRIPE.get(money.currency, digits)
    if theirs >= digits:
        amount = money.amount * int(10 ** (theirs - digits))
        step = 10 if digits == 3 else 1
    else:
        step = int(10 ** (digits - theirs))
        amount = money.amount // step
    if money.amount % step:
        raise ValueError(f"{money.currency} is paid in steps of {step} minor units.")
    return amount


def from_stripe(amount: int, currency: str) -> Money:
    """Raises EventMalformed."""
    found = parse_currency(currency)
    if found is None:
        raise EventMalformed(f"{currency[:8]!a} is no currency of ISO 4217.")
    digits = EXPONENTS[found]
    theirs = _DIGITS_AT_STRIPE.get(found, digits)
    if theirs <= digits:
        return Money(amount * int(10 ** (digits - theirs)), found)
    whole, rest = divmod(amount, int(10 ** (theirs - digits)))
    if rest:
        raise EventMalformed(f"{amount} is no whole number of {found}.")
    return Money(whole, found)


def read(body: bytes) -> Event:
    """What a verified body tells. Raises EventMalformed."""
    try:
        envelope = msgspec.json.decode(body, type=_Envelope)
        reader = _READERS.get(envelope.type)
        return Irrelevant(envelope.id) if reader is None else reader(envelope)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise EventMalformed(f"{error}.") from None


# --- the parts of Stripe's objects that we read


class _Data(Struct):
    object: msgspec.Raw


class _Envelope(Struct):
    id: _Id
    type: _Id
    data: _Data


class _PaymentIntent(Struct):
    id: _Id
    amount_received: _Amount
    currency: str
    metadata: dict[str, str] = {}


class _Refund(Struct):
    id: _Id
    amount: _Amount
    currency: str
    payment_intent: str | None = None
    status: str | None = None
    metadata: dict[str, str] | None = None


class _Dispute(Struct):
    id: _Id
    amount: _Amount
    currency: str
    payment_intent: str | None = None


class _Subscription(Struct):
    id: _Id
    metadata: dict[str, str] = {}
    ended_at: int | None = None


class _SubscriptionDetails(Struct):
    subscription: str = ""
    metadata: dict[str, str] | None = None


class _Parent(Struct):
    subscription_details: _SubscriptionDetails | None = None


class _Period(Struct):
    end: int


class _Line(Struct):
    period: _Period


class _Lines(Struct):
    data: list[_Line]


class _PaymentOfInvoice(Struct):
    payment_intent: str | None = None


class _InvoicePayment(Struct):
    payment: _PaymentOfInvoice


class _InvoicePayments(Struct):
    data: list[_InvoicePayment] = []


class _Invoice(Struct):
    id: _Id
    amount_paid: _Amount
    currency: str
    lines: _Lines
    parent: _Parent | None = None
    payments: _InvoicePayments | None = None


def _paid(envelope: _Envelope) -> Event:
    intent = msgspec.json.decode(envelope.data.object, type=_PaymentIntent)
    order = intent.metadata.get(ORDER_KEY)
    if order is None:  # somebody else's payment on the same account
        return Irrelevant(envelope.id)
    money = from_stripe(intent.amount_received, intent.currency)
    return Paid(envelope.id, order[:_LONGEST_ID], intent.id, money)


def _refund(envelope: _Envelope) -> Event:
    refund = msgspec.json.decode(envelope.data.object, type=_Refund)
    money = from_stripe(refund.amount, refund.currency)
    key = (refund.metadata or {}).get(ORDER_KEY)
    if refund.status == "succeeded" and refund.payment_intent:
        return Refunded(envelope.id, refund.id, refund.payment_intent, money, key)
    if refund.status in ("failed", "canceled"):
        return RefundFailed(envelope.id, refund.id, money, key)
    return Irrelevant(envelope.id)


def _withdrawn(envelope: _Envelope) -> Event:
    dispute = msgspec.json.decode(envelope.data.object, type=_Dispute)
    if not dispute.payment_intent:
        return Irrelevant(envelope.id)
    money = from_stripe(dispute.amount, dispute.currency)
    return Disputed(envelope.id, dispute.id, dispute.payment_intent, money)


def _reinstated(envelope: _Envelope) -> Event:
    dispute = msgspec.json.decode(envelope.data.object, type=_Dispute)
    return DisputeWon(envelope.id, dispute.id, from_stripe(dispute.amount, dispute.currency))


def _renewed(envelope: _Envelope) -> Event:
    invoice = msgspec.json.decode(envelope.data.object, type=_Invoice)
    details = invoice.parent.subscription_details if invoice.parent is not None else None
    order = (details.metadata or {}).get(ORDER_KEY) if details is not None else None
    if details is None or order is None or invoice.amount_paid == 0:
        return Irrelevant(envelope.id)
    if not invoice.lines.data:
        raise EventMalformed("The invoice has no lines.")
    intents = [one.payment.payment_intent for one in (invoice.payments or _InvoicePayments()).data]
    return Renewed(
        event=envelope.id,
        order=order[:_LONGEST_ID],
        subscription=details.subscription,
        # A refund names the payment intent; without one in the event, the invoice stands for it.
        payment=next((one for one in intents if one), invoice.id),
        money=from_stripe(invoice.amount_paid, invoice.currency),
        until_ms=max(line.period.end for line in invoice.lines.data) * 1000,
    )


def _ended(envelope: _Envelope) -> Event:
    subscription = msgspec.json.decode(envelope.data.object, type=_Subscription)
    order = subscription.metadata.get(ORDER_KEY)
    if order is None or subscription.ended_at is None:
        return Irrelevant(envelope.id)
    return Ended(envelope.id, order[:_LONGEST_ID], subscription.ended_at * 1000)


_READERS: Final = {
    "payment_intent.succeeded": _paid,
    "refund.created": _refund,
    "refund.updated": _refund,
    "refund.failed": _refund,
    "charge.dispute.funds_withdrawn": _withdrawn,
    "charge.dispute.funds_reinstated": _reinstated,
    "invoice.paid": _renewed,
    "customer.subscription.deleted": _ended,
}
