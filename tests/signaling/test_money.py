"""The till, made out of the settings."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from chat.donations.provider_stripe import StripeProvider
from chat.donations.till import Till
from chat.donations.wording import Wording
from signaling.money import FILE, build_till, prices
from sluice.clock import VirtualClock
from sluice.config import ConfigError
from sluice.metrics import Metrics
from sluice.money_config import MoneyConfig
from tests.chat.donations.world import Rooms


def build(config: MoneyConfig, folder: Path) -> Till | None:
    return build_till(config, folder, b"s" * 32, Rooms(), Wording(), VirtualClock(), Metrics())


def test_without_a_provider_there_is_no_till_and_no_file(tmp_path: Path) -> None:
    assert build(MoneyConfig(), tmp_path) is None
    assert list(tmp_path.iterdir()) == []


async def test_the_ledger_is_a_file_that_nobody_else_reads(tmp_path: Path) -> None:
    till = build(MoneyConfig(provider="fake"), tmp_path)
    assert till is not None
    assert till.fake is not None
    await till.open()
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    await till.close()


async def test_stripe_is_made_with_its_keys(tmp_path: Path) -> None:
    config = MoneyConfig(
        provider="stripe",
        stripe_api_key=SecretStr("sk_test_x"),
        stripe_webhook_secret=SecretStr("whsec_x"),
    )
    till = build(config, tmp_path)
    assert till is not None
    assert isinstance(till.provider, StripeProvider)
    assert till.fake is None
    await till.close()


@pytest.mark.parametrize(
    "config",
    [
        MoneyConfig(provider="fake", currencies=["EUR", "XXX"]),
        MoneyConfig(provider="fake", subscription_prices=["5 XXX"]),
    ],
)
def test_a_currency_that_there_is_not_is_an_error_of_the_settings(
    config: MoneyConfig, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="XXX"):
        build(config, tmp_path)


def test_prices_are_money() -> None:
    assert [price.shown for price in prices(MoneyConfig())] == ["€4.99", "$4.99", "£4.99"]
