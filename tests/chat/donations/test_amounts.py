"""Amounts: what is read from strangers, and what is shown to people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.donations.amounts import LARGEST, AmountRefused, Money, read_money
from chat.donations.currencies import EXPONENTS, Currency


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (500, "EUR", "€5.00"),
        (5, "USD", "$0.05"),
        (500, "JPY", "¥500"),
        (1_234_567, "CHF", "CHF 12,345.67"),
        (1_500, "KWD", "KWD 1.500"),
        (-200, "GBP", "-£2.00"),
    ],
)
def test_people_see_it_as_they_write_it(amount: int, currency: str, shown: str) -> None:
    assert Money(amount, Currency(currency)).shown == shown


def test_a_whole_number_of_minor_units_is_an_amount() -> None:
    assert read_money(b"500", "eur") == Money(500, Currency("EUR"))
    assert read_money(str(LARGEST).encode(), "JPY").amount == LARGEST


@pytest.mark.parametrize(
    "amount",
    [
        b"0", b"-0", b"-1", b"5.5", b"5.0", b"5e2", b"1e400", b"05", b"+5", b" 5", b"5 ", b"",
        b'"500"', b"null", b"true", b"[5]", b"NaN", b"0x10", "\u0665".encode(), b"1_000",
        str(LARGEST + 1).encode(), b"9223372036854775808", b"9" * 5_000,
    ],
)  # fmt: skip
def test_everything_else_is_refused(amount: bytes) -> None:
    with pytest.raises(AmountRefused):
        read_money(amount, "EUR")


@pytest.mark.parametrize("currency", ["", "XXX", "EURO", "\0\0\0"])
def test_an_unknown_currency_is_refused(currency: str) -> None:
    with pytest.raises(AmountRefused, match="no currency"):
        read_money(b"500", currency)


@given(st.integers(1, LARGEST), st.sampled_from(sorted(EXPONENTS)))
def test_what_is_shown_holds_every_digit(amount: int, currency: Currency) -> None:
    shown = Money(amount, currency).shown
    digits = "".join(sign for sign in shown if sign.isdecimal())
    assert int(digits) == amount
    assert ("." in shown) == (EXPONENTS[currency] > 0)


@given(st.binary(max_size=30))
def test_no_bytes_break_the_reader(amount: bytes) -> None:
    try:
        money = read_money(amount, "EUR")
    except AmountRefused:
        return
    assert str(money.amount).encode() == amount
