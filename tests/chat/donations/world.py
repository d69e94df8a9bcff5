"""A small world of money: the till on a real database, a pretend provider, rooms that listen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import select

from chat.donations import ledger
from chat.donations.amounts import Money
from chat.donations.currencies import Currency
from chat.donations.intents import Wish
from chat.donations.models import Donation, Outcome, Subscription, WebhookEvent
from chat.donations.provider_fake import FakeProvider, Letter
from chat.donations.subscriptions import Wish as SubscriptionWish
from chat.donations.till import Till
from chat.donations.wording import Wording
from chat.entry import Draft, RoomId
from chat.log import LogError, RoomLog
from chat.moderation.words import Words
from sluice.clock import VirtualClock
from sluice.database import Database

SECRET = b"a secret of at least thirty-two bytes"
EUR = Currency("EUR")


def euros(cents: int) -> Money:
    return Money(cents, EUR)


class Rooms:
    """Alerts that were raised, by key: a second one with the same key is only counted."""

    def __init__(self) -> None:
        self.drafts: dict[str, tuple[str, Draft]] = {}
        self.repeats = 0
        self.broken: Exception | None = None
        """Raised in place of taking anything."""

    async def raise_alert(self, channel: str, draft: Draft) -> None:
        if self.broken is not None:
            raise self.broken
        assert draft.key is not None
        assert draft.key_ttl_ms is None
        if draft.key in self.drafts:
            self.repeats += 1
        else:
            self.drafts[draft.key] = (channel, draft)

    def bodies(self, kind: str) -> list[dict[str, Any]]:
        """Bodies of one kind, in the order in which they were raised."""
        drafts = [draft for _, draft in self.drafts.values() if draft.kind == kind]
        return [msgspec.json.decode(draft.body) for draft in drafts]

    def go_down(self) -> None:
        self.broken = LogError("the log is away")


class LogAlerts:
    """Straight into a room's log, without a hub in between."""

    def __init__(self, log: RoomLog) -> None:
        self._log = log

    async def raise_alert(self, channel: str, draft: Draft) -> None:
        await self._log.open(RoomId(channel))
        await self._log.append(RoomId(channel), [draft])


class Counts:
    """The meter, as plain counters."""

    def __init__(self) -> None:
        self.webhooks: Counter[str] = Counter()
        self.tellings: Counter[str] = Counter()

    def webhook(self, outcome: str) -> None:
        self.webhooks[outcome] += 1

    def told(self, result: str) -> None:
        self.tellings[result] += 1


class World:
    """The till without its background task, and short words for what tests do with it."""

    def __init__(self, database: Database, words: Words | None = None) -> None:
        self.database = database
        self.clock = VirtualClock()
        self.rooms = Rooms()
        self.counts = Counts()
        self.provider = FakeProvider(SECRET)
        self.till = Till(
            database, self.provider, self.rooms, Wording(words), self.clock, self.counts
        )

    @property
    def now_ms(self) -> int:
        return self.clock.wall_ms()

    async def donate(
        self,
        money: Money | None = None,
        *,
        channel: str = "live",
        user: str | None = None,
        name: str = "Ann",
        message: str = "hello",
        key: str | None = None,
    ) -> Donation:
        """A donation that is not paid yet."""
        wish = Wish(
            channel, money or euros(500), user, name, message, 1_000, "https://x.test/", key
        )
        donation, _ = await self.till.intents.begin(wish, self.now_ms)
        return donation

    async def paid(self, money: Money | None = None, **rest: Any) -> Donation:
        """A donation that the provider said was paid."""
        donation = await self.donate(money, **rest)
        assert await self.tell(self.payment(donation)) == "applied"
        return donation

    async def subscribe(self, user: str = "u1", *, key: str | None = None) -> Subscription:
        wish = SubscriptionWish("live", euros(499), user, user.title(), "https://x.test/", key)
        subscription, _ = await self.till.subscriptions.begin(wish, self.now_ms)
        return subscription

    def payment(self, donation: Donation) -> Letter:
        return self.provider.tell_payment(donation.id, donation.money)

    async def tell(self, letter: Letter, headers: Mapping[str, str] | None = None) -> Outcome:
        """The provider's webhook."""
        signed = self.provider.sign(letter, self.now_ms) if headers is None else headers
        return await self.till.webhooks.take(letter.body, signed, self.now_ms)

    async def drain(self) -> int | None:
        """The outbox does what it has to do now."""
        return await self.till.outbox.drain(self.now_ms)

    async def left(self, donation: Donation) -> int:
        standing = await self.till.intents.get(donation.id)
        assert standing is not None
        return standing.left

    async def balance(self, account: str = "channel:live") -> Mapping[Currency, int]:
        async with self.database.reading() as session:
            return await ledger.balances(session, account)

    async def faults(self) -> Sequence[str]:
        async with self.database.reading() as session:
            return await ledger.faults(session)

    async def events(self) -> dict[str, tuple[Outcome, str]]:
        """Outcome and reason of every event that was kept."""
        async with self.database.reading() as session:
            found = await session.execute(select(WebhookEvent))
            return {one.id: (one.outcome, one.reason) for one in found.scalars()}
