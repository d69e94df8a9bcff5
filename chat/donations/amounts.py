"""An amount of money: whole minor units of one currency. There are no fractions anywhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from chat.donations.currencies import EXPONENTS, SIGNS, Currency, parse_currency

LARGEST: Final = 99_999_999
"""Minor units of one payment; providers take no more digits."""

_WHOLE: Final = re.compile(rb"-?(0|[1-9][0-9]*)")


class AmountRefused(ValueError):
    """Not an amount that could be paid; the text says why."""


@dataclass(frozen=True, slots=True)
class Money:
    """`amount` minor units: 500 EUR are five euros, 500 JPY five hundred yen."""

    amount: int
    currency: Currency

    @property
    def shown(self) -> str:
        """For people: `€5.00`, `¥500`, `CHF 5.00`."""
        digits = EXPONENTS[self.currency]
        whole, rest = divmod(abs(self.amount), 10**digits)
        number = f"{whole:,}" + (f".{rest:0{digits}}" if digits else "")
        sign = SIGNS.get(self.currency)
        minus = "-" if self.amount < 0 else ""
        return f"{minus}{sign}{number}" if sign else f"{minus}{self.currency} {number}"


def read_money(amount: bytes, currency: str) -> Money:
    """An amount as a stranger's JSON holds it. Raises AmountRefused.

    `amount` is the raw text of the value: a float would already have lost what was wrong with it.
    """
    found = parse_currency(currency)
    if found is None:
        raise AmountRefused(f"{currency[:8]!a} is no currency of ISO 4217.")
    if not _WHOLE.fullmatch(amount):
        raise AmountRefused("The amount must be a whole number of minor units, such as 500.")
    if amount.startswith(b"-") or amount == b"0":
        raise AmountRefused("The amount must be larger than 0.")
    # Long texts are not even made into numbers.
    if len(amount) > len(str(LARGEST)) or int(amount) > LARGEST:
        raise AmountRefused(f"The amount is at most {LARGEST} minor units.")
    return Money(int(amount), found)
