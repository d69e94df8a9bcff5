"""Stripe's events: those that matter, those that do not, and those that make no sense."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.donations.amounts import LARGEST, Money
from chat.donations.currencies import EXPONENTS, Currency
from chat.donations.provider import (
    Disputed,
    DisputeWon,
    Ended,
    EventMalformed,
    Irrelevant,
    Paid,
    Refunded,
    RefundFailed,
    Renewed,
)
from chat.donations.stripe_events import from_stripe, read, to_stripe
from tests.chat.donations.world import euros


def event(kind: str, **content: object) -> bytes:
    return json.dumps({"id": "evt_1", "type": kind, "data": {"object": content}}).encode()


OURS = {"sluice_order": "don_1"}
REFUND = {"id": "re_1", "amount": 200, "currency": "eur", "payment_intent": "pi_1"}
DISPUTE = {"id": "dp_1", "amount": 500, "currency": "eur", "payment_intent": "pi_1"}
PAYMENT = {"id": "pi_1", "amount_received": 500, "currency": "eur"}
INVOICE = {
    "id": "in_1", "amount_paid": 499, "currency": "eur",
    "lines": {"data": [{"period": {"end": 1_790_000_000}}]},
    "parent": {"subscription_details": {"subscription": "sub_1", "metadata": OURS}},
}  # fmt: skip


def test_a_payment_for_an_order_of_ours() -> None:
    told = read(event("payment_intent.succeeded", **PAYMENT, metadata=OURS))
    assert told == Paid("evt_1", "don_1", "pi_1", euros(500))


def test_a_refund_that_succeeded_and_one_that_failed() -> None:
    done = read(event("refund.created", **REFUND, status="succeeded"))
    assert done == Refunded("evt_1", "re_1", "pi_1", euros(200), None)
    asked = read(event("refund.updated", **REFUND, status="succeeded", metadata=OURS))
    assert asked == Refunded("evt_1", "re_1", "pi_1", euros(200), "don_1")
    failed = read(event("refund.failed", **REFUND, status="failed"))
    assert failed == RefundFailed("evt_1", "re_1", euros(200), None)


def test_a_dispute_takes_money_and_may_give_it_again() -> None:
    taken = read(event("charge.dispute.funds_withdrawn", **DISPUTE))
    assert taken == Disputed("evt_1", "dp_1", "pi_1", euros(500))
    won = read(event("charge.dispute.funds_reinstated", **DISPUTE))
    assert won == DisputeWon("evt_1", "dp_1", euros(500))


def test_a_month_of_a_subscription() -> None:
    told = read(event("invoice.paid", **INVOICE))
    assert told == Renewed("evt_1", "don_1", "sub_1", "in_1", euros(499), 1_790_000_000_000)
    payments = {"data": [{"payment": {"payment_intent": "pi_9"}}]}
    told = read(event("invoice.paid", **INVOICE, payments=payments))
    assert isinstance(told, Renewed)
    assert told.payment == "pi_9"


def test_the_end_of_a_subscription() -> None:
    told = read(event("customer.subscription.deleted", id="sub_1", metadata=OURS, ended_at=7))
    assert told == Ended("evt_1", "don_1", 7_000)


@pytest.mark.parametrize(
    "body",
    [
        event("customer.created", id="cus_1"),
        event("payment_intent.succeeded", **PAYMENT),
        event("payment_intent.payment_failed", **PAYMENT, metadata=OURS),
        event("refund.created", **REFUND, status="pending"),
        event("invoice.paid", **{**INVOICE, "parent": None}),
        event("invoice.paid", **{**INVOICE, "amount_paid": 0}),
        event("charge.dispute.funds_withdrawn", **{**DISPUTE, "payment_intent": None}),
        event("customer.subscription.deleted", id="sub_1", ended_at=7),
    ],
)
def test_what_does_not_concern_us_is_irrelevant(body: bytes) -> None:
    assert read(body) == Irrelevant("evt_1")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", b"null", b"[]", b"\xff", b"[" * 100_000,
        b'{"id":"","type":"x","data":{"object":{}}}',
        b'{"id":1,"type":"x","data":{"object":{}}}',
        event("payment_intent.succeeded", id="pi_1"),
        event("payment_intent.succeeded", **{**PAYMENT, "metadata": OURS, "currency": "xxx"}),
        event("payment_intent.succeeded", **{**PAYMENT, "metadata": OURS, "amount_received": 5.5}),
        event("payment_intent.succeeded", **{**PAYMENT, "metadata": OURS, "amount_received": -5}),
        event("payment_intent.succeeded", **{**PAYMENT, "metadata": OURS,
                                             "amount_received": 10**30}),
        event("invoice.paid", **{**INVOICE, "lines": {"data": []}}),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_malformed(body: bytes) -> None:
    with pytest.raises(EventMalformed):
        read(body)


@pytest.mark.parametrize(
    ("currency", "ours", "theirs"),
    [("EUR", 500, 500), ("JPY", 500, 500), ("ISK", 500, 50_000), ("UGX", 7, 700),
     ("MGA", 500, 5), ("KWD", 1_500, 1_500)],
)  # fmt: skip
def test_stripe_counts_some_currencies_in_other_units(
    currency: str, ours: int, theirs: int
) -> None:
    money = Money(ours, Currency(currency))
    assert to_stripe(money) == theirs
    assert from_stripe(theirs, currency.lower()) == money


@pytest.mark.parametrize(("currency", "amount"), [("MGA", 550), ("KWD", 1_501)])
def test_what_is_finer_than_stripe_takes_is_refused(currency: str, amount: int) -> None:
    with pytest.raises(ValueError, match="steps"):
        to_stripe(Money(amount, Currency(currency)))


def test_a_part_of_a_krona_is_malformed() -> None:
    with pytest.raises(EventMalformed, match="whole"):
        from_stripe(50_050, "isk")


@given(st.integers(1, LARGEST), st.sampled_from(sorted(EXPONENTS)))
def test_no_amount_changes_on_the_way_to_stripe_and_back(amount: int, currency: Currency) -> None:
    money = Money(amount, currency)
    try:
        sent = to_stripe(money)
    except ValueError:
        return
    assert from_stripe(sent, currency.lower()) == money
