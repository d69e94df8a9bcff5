"""What donations and subscriptions have in common while they are not paid yet."""

from __future__ import annotations

import re
import secrets
from hashlib import sha256
from typing import Final

import msgspec

from chat.donations.provider import Checkout, Order, Provider, ProviderError
from sluice.errors import Problem

_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")


def new_id(kind: str) -> str:
    """Unguessable: who knows it may see how the order stands."""
    return f"{kind}_{secrets.token_hex(12)}"


def check_key(key: str | None) -> str | None:
    """An Idempotency-Key as clients send it. Raises Problem `value-refused`."""
    if key is not None and not _KEY.fullmatch(key):
        raise Problem("value-refused", "Idempotency-Key is 1 to 255 visible ASCII characters.")
    return key


def fingerprint(*wish: str | int | None) -> bytes:
    """Tells two wishes under one key apart."""
    return sha256(msgspec.json.encode(wish)).digest()


def same(kept: bytes, asked: bytes) -> None:
    """Raises Problem `key-reused` where the key was used for something else."""
    if kept != asked:
        raise Problem("key-reused", "This Idempotency-Key came with another request before.")


async def check_out(provider: Provider, order: Order) -> Checkout:
    """Raises Problem where the provider does not take it."""
    try:
        return await provider.check_out(order)
    except ProviderError as error:
        raise provider_problem(error) from error


def provider_problem(error: ProviderError) -> Problem:
    if error.refused:
        return Problem("payment-refused", f"{error}")
    return Problem("provider-unreachable", f"{error}", retry_after_s=2)
