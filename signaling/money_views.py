"""The JSON bodies of the money API."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from chat.donations.amounts import Money
from chat.donations.currencies import EXPONENTS, Currency
from chat.donations.goals import Progress
from chat.donations.intents import Standing
from chat.donations.leaderboard import Donor
from chat.donations.models import Outcome, Subscription
from chat.donations.subscriptions import until
from chat.protocol import Millis

MinorUnits = Annotated[
    Raw,
    Meta(
        extra_json_schema={
            "type": "integer",
            "minimum": 1,
            "description": "Whole minor units of the currency: 500 EUR are 5 euros.",
        }
    ),
]
"""Read from the text as it came: a fraction must be refused, not rounded."""
CurrencyCode = Annotated[str, Meta(description="ISO 4217, like EUR.", max_length=16)]
UserToken = Annotated[str, Meta(max_length=2_048)]


class CurrencyView(Struct):
    """A currency that is taken. `exponent`: how many digits of an amount are its fraction."""

    currency: str
    exponent: int
    least: int
    most: int


class PriceView(Struct):
    """What a subscription costs a month."""

    currency: str
    amount: int
    shown: str


class MoneyView(Struct):
    """What can be paid, and through whom; `none`: nothing."""

    provider: Literal["none", "fake", "stripe"]
    currencies: list[CurrencyView]
    subscriptions: list[PriceView]


class NewDonation(Struct, forbid_unknown_fields=True):
    """What somebody wants to give. `user` is a user token; without one, `name` is shown as it is
    typed, and nothing at all where it is empty.
    """

    amount: MinorUnits
    currency: CurrencyCode
    text: Annotated[str, Meta(max_length=2_000)] = ""
    name: Annotated[str, Meta(max_length=200)] = ""
    user: UserToken | UnsetType = UNSET
    anonymous: bool = False
    """Show nobody's name, though a token says it."""
    seen: Millis | UnsetType = UNSET
    """The moment of the stream that is on the donor's screen."""


class DonationView(Struct):
    """A donation. `checkout` is where it is paid; `left` is what remains of it after refunds."""

    id: str
    channel: str
    amount: int
    currency: str
    shown: str
    state: Literal["open", "paid", "partly-returned", "returned"]
    left: int
    checkout: str | None
    created_ms: int


class NewSubscription(Struct, forbid_unknown_fields=True):
    """Who wants to subscribe, and the currency to pay in."""

    user: UserToken
    currency: CurrencyCode


class SubscriptionView(Struct):
    """A subscription. `until_ms`: when its rights lapse; 0 before it is paid."""

    id: str
    channel: str
    amount: int
    currency: str
    shown: str
    months: int
    until_ms: int
    checkout: str | None


class NewRefund(Struct, forbid_unknown_fields=True):
    """How much to give back; all that is left, where it is not said."""

    amount: MinorUnits | UnsetType = UNSET


class RefundView(Struct):
    """A refund that the provider was asked for. It counts when the provider says so."""

    id: str
    donation: str
    amount: int
    currency: str
    shown: str
    state: Literal["asked", "done", "failed"]


class NewGoal(Struct, forbid_unknown_fields=True):
    """What the channel collects for. `restart`: what was given before does not count."""

    title: Annotated[str, Meta(max_length=400)]
    currency: CurrencyCode
    target: MinorUnits
    restart: bool = False


class GoalView(Struct):
    """What the channel collects for, and how far it has come."""

    title: str
    currency: str
    exponent: int
    target: int
    reached: int
    shown_target: str
    shown_reached: str
    since_ms: int


class GoalState(Struct):
    """The channel's goal; null where there is none."""

    goal: GoalView | None


class DonorView(Struct):
    """A place on the board. `user` is null for a name that anybody may type."""

    place: int
    name: str
    user: str | None
    amount: int
    shown: str
    donations: int


class BoardView(Struct):
    """The largest donors in one currency."""

    currency: str
    exponent: int
    donors: list[DonorView]


class Leaderboards(Struct):
    """A board for each currency."""

    boards: list[BoardView]


class WebhookView(Struct):
    """What became of an event."""

    outcome: Outcome


def donation_view(standing: Standing) -> DonationView:
    donation = standing.donation
    if donation.payment is None:
        state: Literal["open", "paid", "partly-returned", "returned"] = "open"
    elif standing.left == donation.amount:
        state = "paid"
    else:
        state = "partly-returned" if standing.left else "returned"
    return DonationView(
        id=donation.id,
        channel=donation.channel,
        amount=donation.amount,
        currency=donation.currency,
        shown=donation.money.shown,
        state=state,
        left=standing.left,
        checkout=donation.checkout_url,
        created_ms=donation.created_ms,
    )


def subscription_view(subscription: Subscription) -> SubscriptionView:
    return SubscriptionView(
        id=subscription.id,
        channel=subscription.channel,
        amount=subscription.amount,
        currency=subscription.currency,
        shown=subscription.money.shown,
        months=subscription.months,
        until_ms=until(subscription),
        checkout=subscription.checkout_url,
    )


def goal_view(progress: Progress) -> GoalView:
    return GoalView(
        title=progress.title,
        currency=progress.target.currency,
        exponent=EXPONENTS[progress.target.currency],
        target=progress.target.amount,
        reached=progress.reached.amount,
        shown_target=progress.target.shown,
        shown_reached=progress.reached.shown,
        since_ms=progress.since_ms,
    )


def board_views(donors: list[Donor]) -> Leaderboards:
    boards: dict[Currency, BoardView] = {}
    for donor in donors:
        currency = donor.given.currency
        board = boards.setdefault(currency, BoardView(currency, EXPONENTS[currency], []))
        place = len(board.donors) + 1
        board.donors.append(
            DonorView(
                place, donor.name, donor.user_id, donor.given.amount, donor.given.shown,
                donor.donations,
            )
        )  # fmt: skip
    return Leaderboards(list(boards.values()))


def price_view(price: Money) -> PriceView:
    return PriceView(price.currency, price.amount, price.shown)
