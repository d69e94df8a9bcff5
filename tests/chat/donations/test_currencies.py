"""ISO 4217."""

from __future__ import annotations

import pytest

from chat.donations.currencies import EXPONENTS, SIGNS, parse_currency


@pytest.mark.parametrize(
    ("code", "digits"),
    [("EUR", 2), ("JPY", 0), ("KWD", 3), ("ISK", 0), ("UGX", 0), ("HUF", 2), ("CLP", 0)],
)
def test_a_currency_has_its_own_number_of_digits(code: str, digits: int) -> None:
    currency = parse_currency(code)
    assert currency is not None
    assert EXPONENTS[currency] == digits


def test_small_letters_are_taken_as_providers_write_them() -> None:
    assert parse_currency("eur") == "EUR"


@pytest.mark.parametrize(
    "text", ["", "EU", "EURO", "XXX", "BTC", "€", "\uff25\uff35\uff32", "\u017fEK", "E R"]
)
def test_what_is_no_currency_is_none(text: str) -> None:
    assert parse_currency(text) is None


def test_the_table_is_whole() -> None:
    assert len(EXPONENTS) > 150
    assert SIGNS.keys() <= EXPONENTS.keys()
