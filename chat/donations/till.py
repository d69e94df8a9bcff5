"""Everything about money behind one counter: made once, opened and closed with the house."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

import structlog

from chat.donations.alerts import Alerts
from chat.donations.goals import Goals
from chat.donations.intents import Intents
from chat.donations.leaderboard import Leaderboard
from chat.donations.models import Outcome
from chat.donations.outbox import Outbox
from chat.donations.provider import Provider
from chat.donations.provider_fake import FakeProvider
from chat.donations.refunds import Refunds
from chat.donations.subscriptions import Subscriptions
from chat.donations.webhook import Meter, Webhooks
from chat.donations.wording import Wording
from sluice.clock import Clock
from sluice.database import Database, DatabaseDown
from sluice.tasks import Tasks

log = structlog.get_logger(__name__)

RETRY_S: Final = 2.0
STOP_S: Final = 3.0


class Till:
    """Owns the database, the provider and the outbox's task."""

    def __init__(
        self,
        database: Database,
        provider: Provider,
        alerts: Alerts,
        wording: Wording,
        clock: Clock,
        meter: Meter,
    ) -> None:
        self.provider = provider
        self.wording = wording
        self.intents = Intents(database, provider)
        self.subscriptions = Subscriptions(database, provider)
        self.refunds = Refunds(database, provider)
        self.goals = Goals(database)
        self.leaderboard = Leaderboard(database)
        self.webhooks = Webhooks(database, provider, wording, meter)
        self.outbox = Outbox(database, alerts, clock, meter)
        self._database = database
        self._clock = clock
        self._tasks = Tasks()
        self._telling: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Bring the tables up to date, and tell what was left untold.

        A database that is down keeps nobody from watching: it is tried again, and whoever asks
        for money meanwhile gets DatabaseDown.
        """
        try:
            await self._database.open()
        except DatabaseDown as error:
            log.error("ledger not opened, tried again", problem=str(error))
            self._tasks.spawn(self._open_later(), "ledger")
        else:
            self._begin_telling()

    async def close(self) -> None:
        self.outbox.stop()
        if self._telling is not None:
            # What it is at is finished; a room that does not answer must not hold up the end.
            await asyncio.wait([self._telling], timeout=STOP_S)
        await self._tasks.close()
        await self.provider.close()
        await self._database.close()

    @property
    def fake(self) -> FakeProvider | None:
        """The provider, where it is the pretend one."""
        return self.provider if isinstance(self.provider, FakeProvider) else None

    async def hear(self, body: bytes, headers: Mapping[str, str]) -> Outcome:
        """A webhook. Raises as Webhooks.take does."""
        outcome = await self.webhooks.take(body, headers, self._clock.wall_ms())
        self.outbox.wake()
        return outcome

    async def hear_fake(self, fake: FakeProvider) -> None:
        """Deliver to ourselves what the pretend provider has to tell, signed as it must be."""
        for letter in fake.take_letters():
            await self.hear(letter.body, fake.sign(letter, self._clock.wall_ms()))

    async def _open_later(self) -> None:
        while True:
            await asyncio.sleep(RETRY_S)
            try:
                await self._database.open()
            except DatabaseDown as error:
                log.warning("ledger not opened yet", problem=str(error))
            else:
                self._begin_telling()
                return

    def _begin_telling(self) -> None:
        self._telling = self._tasks.spawn(self.outbox.run(), "outbox")
