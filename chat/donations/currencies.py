"""ISO 4217: which currencies there are, and how many of their digits are minor units."""

from __future__ import annotations

from typing import Final, NewType

Currency = NewType("Currency", str)
"""Three capital letters out of the table below."""

_TWO: Final = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD "
    "CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD "
    "GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD "
    "MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP "
    "PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS "
    "TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD YER ZAR ZMW ZWG"
)
_NONE: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE: Final = "BHD IQD JOD KWD LYD OMR TND"

EXPONENTS: Final[dict[Currency, int]] = {
    Currency(code): digits
    for digits, codes in ((2, _TWO), (0, _NONE), (3, _THREE))
    for code in codes.split()
}
"""Digits after the point: 2 for EUR (cents), 0 for JPY, 3 for KWD."""

SIGNS: Final[dict[Currency, str]] = {
    Currency(code): sign
    for code, sign in (
        ("EUR", "€"), ("USD", "$"), ("GBP", "£"), ("JPY", "¥"), ("INR", "₹"), ("KRW", "₩"),
        ("UAH", "₴"), ("ILS", "₪"), ("VND", "₫"), ("NGN", "₦"), ("TRY", "₺"), ("PHP", "₱"),
    )
}  # fmt: skip
"""Signs that mean one currency without its country; the others are shown by their code."""


def parse_currency(text: str) -> Currency | None:
    """The currency of this code, in capitals or small letters; None where there is none."""
    if len(text) != 3 or not text.isascii():
        return None
    code = Currency(text.upper())
    return code if code in EXPONENTS else None
