"""The settings of money: who takes it, in which currencies, and where the books are kept."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from sluice.section import Positive, Section

CurrencyCode = Annotated[str, Field(pattern="^[A-Z]{3}$")]
Price = Annotated[str, Field(pattern="^[1-9][0-9]{0,7} [A-Z]{3}$")]


class MoneyConfig(Section):
    """Donations and subscriptions. Amounts are minor units of their currency."""

    provider: Literal["none", "fake", "stripe"] = "none"
    stripe_api_key: SecretStr | None = None
    stripe_webhook_secret: SecretStr | None = None
    stripe_webhook_secret_before: SecretStr | None = None
    webhook_tolerance_s: Annotated[int, Field(ge=1, le=3_600)] = 300
    database_url: SecretStr | None = None
    currencies: list[CurrencyCode] = Field(default=["EUR", "USD", "GBP"], min_length=1)
    amount_least: Positive = 100
    amount_most: Annotated[int, Field(ge=1, le=99_999_999)] = 100_000
    subscription_prices: list[Price] = Field(default=["499 EUR", "499 USD", "499 GBP"])
    orders_per_minute: Positive = 10

    @field_validator("database_url")
    @classmethod
    def _is_one_that_we_speak(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith("postgresql+asyncpg://"):
            raise ValueError("must be like postgresql+asyncpg://user:password@host/database")
        return value

    @model_validator(mode="after")
    def _has_keys(self) -> MoneyConfig:
        if self.provider == "stripe" and not (self.stripe_api_key and self.stripe_webhook_secret):
            raise ValueError("provider: stripe needs stripe_api_key and stripe_webhook_secret")
        if self.amount_least > self.amount_most:
            raise ValueError("amount_least must not be over amount_most")
        return self
