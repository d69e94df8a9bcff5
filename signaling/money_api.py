"""The money API: donations, subscriptions, goals, the leaderboard, refunds and webhooks.

Nothing here credits anything: what a provider's signed webhook says goes into the ledger, and the
ledger's outbox tells the room.
"""

from __future__ import annotations

from typing import Final

import structlog
from msgspec import UNSET, UnsetType
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chat.donations.amounts import AmountRefused, Money, read_money
from chat.donations.currencies import EXPONENTS, Currency
from chat.donations.intents import Standing, Wish
from chat.donations.orders import check_key
from chat.donations.provider_fake import FakeProvider, Letter
from chat.donations.subscriptions import Wish as SubscriptionWish
from chat.donations.till import Till
from chat.donations.webhook import BODY_BYTES
from chat.entry import RoomId
from chat.moderation.text import Unfit, clean
from chat.people import Person
from chat.user_tokens import TokenRefused, UserTokens
from signaling.house import House
from signaling.intake import credential
from signaling.money import prices
from signaling.money_views import (
    CurrencyView,
    GoalState,
    MoneyView,
    NewDonation,
    NewGoal,
    NewRefund,
    NewSubscription,
    RefundView,
    WebhookView,
    board_views,
    donation_view,
    goal_view,
    price_view,
    subscription_view,
)
from signaling.reply import json_reply
from signaling.routing import Handler, channel_in, resource
from sluice.database import DatabaseDown
from sluice.errors import Problem
from sluice.ids import ChannelId
from sluice.ratelimit import TokenBuckets
from sluice.storage import Channel

log = structlog.get_logger(__name__)

TITLE_LONGEST: Final = 80
BOARD_MOST: Final = 100
_MONTH_MS: Final = 30 * 86_400_000


def routes(house: House, till: Till | None, users: UserTokens) -> list[Route]:
    """All addresses of money. Without a till, all but one say that there is none."""
    desk = MoneyDesk(house, till, users)

    def told(handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            try:
                response = await handler(request)
            except DatabaseDown as error:
                desk.note_down(error)
                # Providers come again after any 5xx, people when they are asked to.
                raise Problem("ledger-down", "It is not open now.", retry_after_s=2) from error
            assert isinstance(response, Response)
            return response

        return guarded

    channel = "/api/channels/{channel}"
    return [
        resource(f"{channel}/money", GET=desk.money),
        resource(f"{channel}/donations", POST=told(desk.donate)),
        resource("/api/donations/{donation}", GET=told(desk.donation)),
        resource("/api/donations/{donation}/refunds", POST=told(desk.refund)),
        resource(f"{channel}/subscriptions", POST=told(desk.subscribe)),
        resource(f"{channel}/leaderboard", GET=told(desk.leaderboard)),
        resource(f"{channel}/goal", GET=told(desk.goal), PUT=told(desk.set_goal)),
        resource("/webhooks/{provider}", POST=told(desk.webhook)),
        resource("/fake-pay/{order}", POST=told(desk.fake_pay)),
    ]


class MoneyDesk:
    """One method for each operation."""

    def __init__(self, house: House, till: Till | None, users: UserTokens) -> None:
        self._house = house
        self._config = house.settings.money
        self._till_or_none = till
        self._users = users
        self._quiet_until_ms = 0
        a_minute = self._config.orders_per_minute
        # Each order asks the provider; and stolen cards are tried out by many small payments.
        self._orders = TokenBuckets(a_minute / 60, a_minute, house.settings.limits.rate_table)

    def note_down(self, error: DatabaseDown) -> None:
        """Into the log, once a second at most; the metric of problems counts each."""
        now_ms = self._house.clock.now_ms()
        if now_ms >= self._quiet_until_ms:
            self._quiet_until_ms = now_ms + 1_000
            log.error("ledger down", problem=str(error))

    # --- for everybody

    async def money(self, request: Request) -> Response:
        """What can be paid on this channel."""
        self._watched(request)
        if self._till_or_none is None:
            return json_reply(MoneyView("none", [], []))
        config = self._config
        currencies = [
            CurrencyView(code, EXPONENTS[Currency(code)], config.amount_least, config.amount_most)
            for code in config.currencies
        ]
        offers = [price_view(price) for price in prices(config)]
        return json_reply(MoneyView(config.provider, currencies, offers))

    async def donate(self, request: Request) -> Response:
        """A donation to be paid at its `checkout`. Repeated under one key, it is the same one."""
        self._house.intake.throttle(request, channel_in(request))
        channel, till = self._watched(request), self._till
        wish = await self._house.intake.json(request, NewDonation)
        money = self._taken(wish.amount, wish.currency)
        user_id, name = self._donor(channel, wish)
        try:
            message = till.wording.message(wish.text)
        except Unfit as error:
            raise Problem("value-refused", f"The text cannot be shown: {error}") from None
        self._count_order(request)
        donation, new = await till.intents.begin(
            Wish(
                channel=channel.id,
                money=money,
                user_id=user_id,
                user_name=name,
                message=message,
                seen_ms=None if wish.seen is UNSET else wish.seen,
                return_url=self._watch_page(request, channel),
                key=check_key(request.headers.get("idempotency-key")),
            ),
            self._house.clock.wall_ms(),
        )
        standing = Standing(donation, 0) if new else await till.intents.get(donation.id)
        assert standing is not None
        location = f"/api/donations/{donation.id}"
        return json_reply(donation_view(standing), 201 if new else 200, location)

    async def donation(self, request: Request) -> Response:
        """How a donation stands. Its id is known to whoever made it."""
        standing = await self._till.intents.get(request.path_params["donation"])
        if standing is None:
            raise Problem("not-found", "There is no such donation.")
        return json_reply(donation_view(standing))

    async def subscribe(self, request: Request) -> Response:
        """A subscription to be paid at its `checkout`."""
        self._house.intake.throttle(request, channel_in(request))
        channel, till = self._watched(request), self._till
        wish = await self._house.intake.json(request, NewSubscription)
        person = self._person(channel.id, wish.user)
        offers = {price.currency: price for price in prices(self._config)}
        price = offers.get(Currency(wish.currency.upper()))
        if price is None:
            known = ", ".join(offers) or "none"
            raise Problem("value-refused", f"Subscriptions can be paid in: {known}.")
        self._count_order(request)
        subscription, new = await till.subscriptions.begin(
            SubscriptionWish(
                channel=channel.id,
                price=price,
                user_id=person.id,
                user_name=person.name,
                return_url=self._watch_page(request, channel),
                key=check_key(request.headers.get("idempotency-key")),
            ),
            self._house.clock.wall_ms(),
        )
        return json_reply(subscription_view(subscription), 201 if new else 200)

    async def leaderboard(self, request: Request) -> Response:
        """The largest donors since a moment (`?since=`, Unix ms), `?limit=` of each currency."""
        channel, till = self._watched(request), self._till
        since_ms = _number(request, "since", 0, 2**53 - 1)
        limit = _number(request, "limit", 10, BOARD_MOST)
        donors = await till.leaderboard.top(channel.id, since_ms, limit)
        return json_reply(board_views(list(donors)))

    async def goal(self, request: Request) -> Response:
        """What the channel collects for."""
        channel, till = self._watched(request), self._till
        found = await till.goals.get(channel.id)
        return json_reply(GoalState(None if found is None else goal_view(found)))

    # --- for owners and the admin

    async def set_goal(self, request: Request) -> Response:
        """The channel's owner, by stream key, says what it collects for."""
        house = self._house
        house.intake.throttle(request, channel_in(request))
        channel = house.channel(channel_in(request))
        try:
            house.gate.may_publish(channel, credential(request))
        except Problem as problem:
            raise house.intake.denied(request, problem) from None
        till = self._till
        wish = await house.intake.json(request, NewGoal)
        target = _money(wish.target, wish.currency)
        try:
            title = clean(wish.title, TITLE_LONGEST)
        except Unfit as error:
            raise Problem("value-refused", f"The title cannot be shown: {error}") from None
        now_ms = house.clock.wall_ms()
        found = await till.goals.put(channel.id, title, target, now_ms, restart=wish.restart)
        till.outbox.wake()
        return json_reply(GoalState(goal_view(found)))

    async def refund(self, request: Request) -> Response:
        """Give back a part of a donation, or all that is left. Needs an Idempotency-Key."""
        house, till = self._house, self._till
        house.intake.throttle(request)
        house.check_admin(request)
        wish = await house.intake.json(request, NewRefund)
        key = check_key(request.headers.get("idempotency-key"))
        if key is None:
            raise Problem("value-refused", "A refund needs an Idempotency-Key.")
        donation = request.path_params["donation"]
        amount = None if wish.amount is UNSET else await self._part(donation, wish.amount)
        claim = await till.refunds.ask(donation, amount, key, house.clock.wall_ms())
        if till.fake is not None:
            await till.hear_fake(till.fake)
        money, state = claim.money, (await till.refunds.get(claim.refund.id)).state
        view = RefundView(
            claim.refund.id, donation, money.amount, money.currency, money.shown, state
        )
        return json_reply(view, 201 if claim.new else 200)

    # --- for providers

    async def webhook(self, request: Request) -> Response:
        """A signed event. Anything but 2xx makes the provider send it again."""
        till = self._till
        if request.path_params["provider"] != till.provider.name:
            raise Problem("not-found", "There is no such payment provider here.")
        body = await self._house.intake.body(request, BODY_BYTES)
        return json_reply(WebhookView(await till.hear(body, request.headers)))

    async def fake_pay(self, request: Request) -> Response:
        """The pretend provider's checkout: the order counts as paid, by a signed webhook."""
        self._house.intake.throttle(request)
        till = self._till
        fake = till.fake
        if fake is None:
            raise Problem("not-found", "Nothing is pretended here: the payment provider is real.")
        letter = await self._payment_of(till, fake, request.path_params["order"])
        headers = fake.sign(letter, self._house.clock.wall_ms())
        return json_reply(WebhookView(await till.hear(letter.body, headers)))

    # --- inside

    @property
    def _till(self) -> Till:
        if self._till_or_none is None:
            raise Problem("money-off", "Nothing can be paid on this server.")
        return self._till_or_none

    def _watched(self, request: Request) -> Channel:
        """The channel, for who may watch it."""
        channel = self._house.channel(channel_in(request))
        try:
            self._house.gate.may_watch(channel, credential(request))
        except Problem as problem:
            raise self._house.intake.denied(request, problem) from None
        return channel

    def _taken(self, amount: bytes, currency: str) -> Money:
        """An amount that this server takes. Raises Problem `value-refused`."""
        money, config = _money(amount, currency), self._config
        if money.currency not in config.currencies:
            raise Problem("value-refused", f"Taken are: {', '.join(config.currencies)}.")
        least, most = config.amount_least, config.amount_most
        if not least <= money.amount <= most:
            ends = (Money(least, money.currency).shown, Money(most, money.currency).shown)
            raise Problem("value-refused", f"Amounts are from {ends[0]} to {ends[1]}.")
        return money

    def _donor(self, channel: Channel, wish: NewDonation) -> tuple[str | None, str]:
        """Who is shown: a user of a token, a typed name, or nobody."""
        if not isinstance(wish.user, UnsetType):
            person = self._person(channel.id, wish.user)
            return (None, "") if wish.anonymous else (person.id, person.name)
        if wish.anonymous:
            return None, ""
        try:
            return None, self._till.wording.name(wish.name)
        except Unfit as error:
            raise Problem("value-refused", f"The name cannot be shown: {error}") from None

    def _person(self, channel: ChannelId, token: str) -> Person:
        try:
            person, _ = self._users.read(token, RoomId(channel), self._house.clock.wall_ms())
        except TokenRefused as error:
            raise Problem("token-invalid", str(error)) from None
        return person

    def _count_order(self, request: Request) -> None:
        client = self._house.intake.client(request)
        wait_s = self._orders.take(client, self._house.clock.now_ms())
        if wait_s is not None:
            detail = "There were too many orders from this address."
            raise Problem("rate-limited", detail, retry_after_s=wait_s)

    def _watch_page(self, request: Request, channel: Channel) -> str:
        origin = self._house.settings.server.public_url or str(request.base_url).rstrip("/")
        return f"{origin}/watch/{channel.id}"

    async def _part(self, donation: str, amount: bytes) -> int:
        """An amount in the donation's own currency."""
        standing = await self._till.intents.get(donation)
        if standing is None:
            raise Problem("not-found", "There is no such donation.")
        return _money(amount, standing.donation.currency).amount

    async def _payment_of(self, till: Till, fake: FakeProvider, order: str) -> Letter:
        standing = await till.intents.get(order)
        if standing is not None:
            return fake.tell_payment(order, standing.donation.money)
        subscription = await till.subscriptions.get(order)
        if subscription is None:
            raise Problem("not-found", "There is no such order.")
        until_ms = self._house.clock.wall_ms() + _MONTH_MS
        return fake.tell_renewal(order, 1, subscription.money, until_ms)


def _money(amount: bytes, currency: str) -> Money:
    try:
        return read_money(bytes(amount).strip(), currency)
    except AmountRefused as error:
        raise Problem("value-refused", str(error)) from None


def _number(request: Request, name: str, default: int, most: int) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) <= 18 and int(text) <= most):
        raise Problem("value-refused", f"{name} must be a whole number up to {most}.")
    return int(text)
