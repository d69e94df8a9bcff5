"""Makes the till out of the settings, and counts what it does."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from chat.donations import migrations
from chat.donations.alerts import Alerts
from chat.donations.amounts import Money
from chat.donations.currencies import Currency, parse_currency
from chat.donations.provider import Provider
from chat.donations.provider_fake import FakeProvider
from chat.donations.till import Till
from chat.donations.wording import Wording
from chat.entry import Draft, RoomId
from chat.full import Full
from chat.hub import Hub
from chat.log import LogError
from sluice.clock import Clock
from sluice.config import ConfigError
from sluice.database import Database, sqlite_url
from sluice.metrics import Metrics
from sluice.money_config import MoneyConfig

FILE: Final = "money.db"


def build_till(
    config: MoneyConfig,
    folder: Path,
    secret: bytes,
    alerts: Alerts,
    wording: Wording,
    clock: Clock,
    metrics: Metrics,
) -> Till | None:
    """None where no provider is set. `secret` signs the pretend provider's webhooks.

    Raises ConfigError.
    """
    for code in (*config.currencies, *(price[-3:] for price in config.subscription_prices)):
        if parse_currency(code) is None:
            raise ConfigError(f"money: {code} is no currency of ISO 4217.")
    provider = _provider(config, secret)
    if provider is None:
        return None
    if config.database_url is None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / FILE
        path.touch(mode=0o600)  # who gave what is nobody else's business
        database = Database(sqlite_url(path), migrations.FOLDER)
    else:
        database = Database(config.database_url.get_secret_value(), migrations.FOLDER)
    return Till(database, provider, alerts, wording, clock, MoneyMeter(metrics))


class HubAlerts:
    """The `Alerts` of the outbox: into the room, where it is open or not."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def raise_alert(self, channel: str, draft: Draft) -> None:
        try:
            await self._hub.append(RoomId(channel), draft)
        except Full as error:
            raise LogError(f"the room does not open: {error}") from error


class MoneyMeter:
    """The `Meter` of chat/donations/webhook.py, in Prometheus terms."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def webhook(self, outcome: str) -> None:
        self._metrics.money_webhooks.labels(outcome).inc()

    def told(self, result: str) -> None:
        self._metrics.money_told.labels(result).inc()


def prices(config: MoneyConfig) -> list[Money]:
    """What a subscription costs, in each currency that it can be paid in."""
    pairs = (price.split() for price in config.subscription_prices)
    return [Money(int(amount), Currency(code)) for amount, code in pairs]


def _provider(config: MoneyConfig, secret: bytes) -> Provider | None:
    match config.provider:
        case "none":
            return None
        case "fake":
            return FakeProvider(secret, tolerance_s=config.webhook_tolerance_s)
        case "stripe":
            # Imported only where it is used: the library is large.
            from chat.donations.provider_stripe import StripeProvider

            assert config.stripe_api_key is not None  # the settings were checked
            signing = (config.stripe_webhook_secret, config.stripe_webhook_secret_before)
            return StripeProvider(
                config.stripe_api_key.get_secret_value(),
                [one.get_secret_value() for one in signing if one is not None],
                tolerance_s=config.webhook_tolerance_s,
            )
