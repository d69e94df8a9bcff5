"""Signatures of webhooks: HMAC-SHA256 over time and raw body, in Stripe's scheme `v1`."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from chat.donations.provider import SignatureRefused

HEADER: Final = "stripe-signature"
_LONGEST: Final = 1_024


def sign(body: bytes, secret: bytes, now_ms: int) -> str:
    """The header's value: `t=<seconds>,v1=<hex>`."""
    seconds = now_ms // 1000
    return f"t={seconds},v1={_mac(body, secret, str(seconds))}"


def verify(
    body: bytes, header: str | None, secrets: Sequence[bytes], now_ms: int, tolerance_ms: int
) -> None:
    """Raises SignatureRefused unless one of the secrets signed this body, at about this time.

    Several secrets are for the days in which one takes the place of another.
    """
    if not header:
        raise SignatureRefused("The signature is missing.")
    if len(header) > _LONGEST or not header.isascii():
        raise SignatureRefused("The signature is not one.")
    pairs = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in pairs if name == "t"]
    given = [value for name, _, value in pairs if name == "v1"]
    if len(times) != 1 or not given or not (times[0].isdecimal() and len(times[0]) <= 12):
        raise SignatureRefused("The signature has no time, or no v1.")
    macs = [_mac(body, secret, times[0]) for secret in secrets]
    # Every pair is compared, so that time tells nothing of which one fits.
    fits = [hmac.compare_digest(mac, one) for mac in macs for one in given]
    if not any(fits):
        raise SignatureRefused("The signature does not fit the body.")
    if abs(now_ms - int(times[0]) * 1000) > tolerance_ms:
        raise SignatureRefused(f"The signature is not of the last {tolerance_ms // 1000} s.")


def _mac(body: bytes, secret: bytes, seconds: str) -> str:
    return hmac.new(secret, seconds.encode() + b"." + body, sha256).hexdigest()
