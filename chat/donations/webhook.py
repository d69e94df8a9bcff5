"""The only way in which money is credited: a signed event, in one transaction, once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chat.donations import books
from chat.donations.models import Outcome, WebhookEvent
from chat.donations.provider import Event, EventMalformed, Provider, SignatureRefused
from chat.donations.wording import Wording
from sluice.database import Database
from sluice.errors import Problem

log = structlog.get_logger(__name__)

BODY_BYTES: Final = 262_144
"""Larger bodies are no provider's."""


class Meter(Protocol):
    """Counts, with labels from small fixed sets only."""

    def webhook(self, outcome: str) -> None:
        """An event was answered by 200, with this outcome, or `malformed` or `refused`."""
        ...

    def told(self, result: str) -> None:
        """The outbox told a room something: `done`, or `failed` for now."""
        ...


class Webhooks:
    """Takes events of one provider."""

    def __init__(
        self, database: Database, provider: Provider, wording: Wording, meter: Meter
    ) -> None:
        self._database = database
        self._provider = provider
        self._wording = wording
        self._meter = meter

    async def take(self, body: bytes, headers: Mapping[str, str], now_ms: int) -> Outcome:
        """Everything that follows is kept when this returns.

        Raises Problem `signature-invalid` or `json-malformed`: then nothing was written; and
        DatabaseDown: then the provider must come again.
        """
        try:
            self._provider.verify(body, headers, now_ms)
        except SignatureRefused as error:
            self._meter.webhook("refused")
            raise Problem("signature-invalid", str(error)) from None
        try:
            event = self._provider.read(body)
        except EventMalformed as error:
            # Signed, so it is worth a look; the provider goes on trying until somebody had it.
            self._meter.webhook("malformed")
            log.error("event not understood", provider=self._provider.name, problem=str(error))
            raise Problem("json-malformed", str(error)) from None

        async def keep(session: AsyncSession) -> tuple[Outcome, str]:
            return await self._keep(session, event, body, now_ms)

        outcome, reason = await self._database.write(keep)
        self._meter.webhook(outcome)
        if outcome == "quarantined":
            log.error(
                "event quarantined",
                provider=self._provider.name,
                event_id=event.event,
                reason=reason,
            )
        return outcome

    async def _keep(
        self, session: AsyncSession, event: Event, body: bytes, now_ms: int
    ) -> tuple[Outcome, str]:
        name = self._provider.name
        if await session.get(WebhookEvent, (name, event.event)) is not None:
            return "repeated", ""
        entered = await books.enter(session, name, event, now_ms, self._wording)
        session.add(
            WebhookEvent(
                provider=name,
                id=event.event,
                body=body,
                received_ms=now_ms,
                outcome=entered.outcome,
                reason=entered.reason,
                waits_for=entered.waits_for,
            )
        )
        await session.flush()
        if entered.key is not None:
            await self._release(session, entered.key, now_ms)
        return entered.outcome, entered.reason

    async def _release(self, session: AsyncSession, key: str, now_ms: int) -> None:
        """Enter what waited for this movement, and what waited for that."""
        keys = [key]
        while keys:
            found = await session.execute(
                select(WebhookEvent)
                .where(
                    WebhookEvent.provider == self._provider.name,
                    WebhookEvent.waits_for == keys.pop(),
                )
                .order_by(WebhookEvent.received_ms, WebhookEvent.id)
            )
            for waiting in found.scalars().all():
                event = self._provider.read(waiting.body)
                entered = await books.enter(
                    session, self._provider.name, event, now_ms, self._wording
                )
                waiting.outcome = entered.outcome
                waiting.reason = entered.reason
                waiting.waits_for = entered.waits_for
                if entered.key is not None:
                    keys.append(entered.key)
        await session.flush()
