"""A pretend provider for demos and tests. It signs as Stripe does; no money moves.

It keeps nothing: what it would tell is made of the order at hand, and goes the same way into the
ledger as a real provider's word, through a signed webhook.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import msgspec

from chat.donations import signature, stripe_events
from chat.donations.amounts import Money
from chat.donations.provider import Checkout, Event, Order, ProviderError

NAME: Final = "fake"


@dataclass(frozen=True, slots=True)
class Letter:
    """A webhook's body before it is signed: that happens at each sending."""

    event: str
    body: bytes


class FakeProvider:
    """`page` is the address of the pretend checkout, to which the order's id is added."""

    def __init__(self, secret: bytes, *, page: str = "/fake-pay/", tolerance_s: int = 300) -> None:
        self._secret = secret
        self._page = page
        self._tolerance_ms = tolerance_s * 1000
        self._letters: list[Letter] = []

    @property
    def name(self) -> str:
        return NAME

    # --- as any provider

    async def check_out(self, order: Order) -> Checkout:
        return Checkout(f"fake_{order.id}", f"{self._page}{order.id}")

    async def refund(self, payment: str, money: Money, key: str) -> str:
        """Never fails; the letter that tells of it waits in `take_letters`."""
        refund = f"fake_re_{key}"
        try:
            self._letters.append(self.tell_refund(refund, payment, money, key=key))
        except ValueError as error:
            raise ProviderError(str(error), refused=True) from None
        return refund

    def verify(self, body: bytes, headers: Mapping[str, str], now_ms: int) -> None:
        given = headers.get(signature.HEADER)
        signature.verify(body, given, [self._secret], now_ms, self._tolerance_ms)

    def read(self, body: bytes) -> Event:
        return stripe_events.read(body)

    async def close(self) -> None:
        """There is nothing to close."""

    # --- what only a pretend provider has

    def sign(self, letter: Letter, now_ms: int) -> dict[str, str]:
        """The headers under which a letter is believed."""
        return {signature.HEADER: signature.sign(letter.body, self._secret, now_ms)}

    def take_letters(self) -> Sequence[Letter]:
        """What it has to tell since the last call."""
        letters, self._letters = self._letters, []
        return letters

    def tell_payment(self, order: str, money: Money, *, payment: str | None = None) -> Letter:
        """An order was paid."""
        return _letter(
            "payment_intent.succeeded",
            {
                "id": payment or payment_of(order),
                "amount_received": stripe_events.to_stripe(money),
                "currency": money.currency.lower(),
                "metadata": {stripe_events.ORDER_KEY: order},
            },
        )

    def tell_refund(
        self,
        refund: str,
        payment: str,
        money: Money,
        *,
        status: str = "succeeded",
        key: str | None = None,
    ) -> Letter:
        """Money went back, or (status `failed`) did not arrive."""
        return _letter(
            "refund.updated",
            {
                "id": refund,
                "amount": stripe_events.to_stripe(money),
                "currency": money.currency.lower(),
                "payment_intent": payment,
                "status": status,
                "metadata": {} if key is None else {stripe_events.ORDER_KEY: key},
            },
        )

    def tell_dispute(
        self, dispute: str, payment: str, money: Money, *, won: bool = False
    ) -> Letter:
        """The payer's bank took the money back, or gave it again."""
        return _letter(
            f"charge.dispute.funds_{'reinstated' if won else 'withdrawn'}",
            {
                "id": dispute,
                "amount": stripe_events.to_stripe(money),
                "currency": money.currency.lower(),
                "payment_intent": payment,
            },
        )

    def tell_renewal(self, order: str, month: int, money: Money, until_ms: int) -> Letter:
        """A month of a subscription was paid."""
        return _letter(
            "invoice.paid",
            {
                "id": f"fake_in_{order}_{month}",
                "amount_paid": stripe_events.to_stripe(money),
                "currency": money.currency.lower(),
                "lines": {"data": [{"period": {"end": until_ms // 1000}}]},
                "payments": {
                    "data": [{"payment": {"payment_intent": payment_of(f"{order}_{month}")}}]
                },
                "parent": {
                    "subscription_details": {
                        "subscription": f"fake_sub_{order}",
                        "metadata": {stripe_events.ORDER_KEY: order},
                    }
                },
            },
        )

    def tell_end(self, order: str, at_ms: int) -> Letter:
        """A subscription is over."""
        return _letter(
            "customer.subscription.deleted",
            {
                "id": f"fake_sub_{order}",
                "metadata": {stripe_events.ORDER_KEY: order},
                "ended_at": at_ms // 1000,
            },
        )


def payment_of(order: str) -> str:
    """The pretend provider's name for the payment of an order."""
    return f"fake_pi_{order}"


def _letter(kind: str, content: Mapping[str, object]) -> Letter:
    """Named by what it tells: told again after a restart, it is the same event."""
    told = msgspec.json.encode([kind, content])
    event = f"fake_evt_{sha256(told).hexdigest()[:24]}"
    envelope = {"id": event, "object": "event", "type": kind, "data": {"object": content}}
    return Letter(event, msgspec.json.encode(envelope))
