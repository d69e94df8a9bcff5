"""What a payment provider must do for us, and what its webhooks may tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from chat.donations.amounts import Money

Purpose = Literal["donation", "subscription"]


class ProviderError(Exception):
    """The provider did not do it. `refused`: it never will; otherwise it may have done it, and
    may be asked again under the same key."""

    def __init__(self, text: str, *, refused: bool) -> None:
        super().__init__(text)
        self.refused = refused


class SignatureRefused(Exception):
    """These bytes are not the provider's, or not of this moment."""


class EventMalformed(Exception):
    """Signed by the provider, and yet not to be understood."""


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody is about to pay. `id` is ours, and the key under which it may be repeated."""

    id: str
    purpose: Purpose
    money: Money
    """Of a subscription: each month."""
    description: str
    return_url: str
    """Where the payer goes afterwards."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """Where the payer pays."""

    ref: str
    url: str


# --- what webhooks tell; `event` names the telling, `payment` and the like what is told of


@dataclass(frozen=True, slots=True)
class Paid:
    """Money came for an order of ours."""

    event: str
    order: str
    payment: str
    money: Money


@dataclass(frozen=True, slots=True)
class Renewed:
    """A month of a subscription is paid."""

    event: str
    order: str
    subscription: str
    payment: str
    money: Money
    until_ms: int
    """The end of what is paid for."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A subscription is over; nothing more will be paid."""

    event: str
    order: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Refunded:
    """Money of a payment went back."""

    event: str
    refund: str
    payment: str
    money: Money
    key: str | None
    """Under which we asked for it; None where somebody did at the provider's own desk."""


@dataclass(frozen=True, slots=True)
class RefundFailed:
    """It did not arrive, and is here again."""

    event: str
    refund: str
    money: Money
    key: str | None


@dataclass(frozen=True, slots=True)
class Disputed:
    """The payer's bank took the money back for now."""

    event: str
    dispute: str
    payment: str
    money: Money


@dataclass(frozen=True, slots=True)
class DisputeWon:
    """And gave it again."""

    event: str
    dispute: str
    money: Money


@dataclass(frozen=True, slots=True)
class Irrelevant:
    """Nothing that concerns us."""

    event: str


Event = Paid | Renewed | Ended | Refunded | RefundFailed | Disputed | DisputeWon | Irrelevant


class Provider(Protocol):
    """Somebody who takes money for us. Only `read` is believed about what was paid."""

    @property
    def name(self) -> str:
        """As it stands in /webhooks/{provider} and in the ledger."""
        ...

    async def check_out(self, order: Order) -> Checkout:
        """Begin a payment. Repeated for the same order, it gives the same. Raises ProviderError."""
        ...

    async def refund(self, payment: str, money: Money, key: str) -> str:
        """Ask for a refund and return the provider's name for it. Raises ProviderError."""
        ...

    def verify(self, body: bytes, headers: Mapping[str, str], now_ms: int) -> None:
        """Raises SignatureRefused. `headers` have names in small letters."""
        ...

    def read(self, body: bytes) -> Event:
        """What a verified body tells. Raises EventMalformed."""
        ...

    async def close(self) -> None: ...
