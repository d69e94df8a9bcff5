"""Keys of requests, and what tells two of them apart."""

from __future__ import annotations

import pytest

from chat.donations import orders
from chat.donations.provider import ProviderError
from sluice.errors import Problem


def test_ids_are_long_and_all_different() -> None:
    ids = {orders.new_id("don") for _ in range(100)}
    assert len(ids) == 100
    assert all(len(one) == 28 for one in ids)


@pytest.mark.parametrize("key", ["a", "x" * 255, "550e8400-e29b-41d4-a716-446655440000"])
def test_a_key_is_visible_ascii(key: str) -> None:
    assert orders.check_key(key) == key


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "a b", "ü", "a\n"])
def test_anything_else_is_refused(key: str) -> None:
    with pytest.raises(Problem):
        orders.check_key(key)


def test_no_key_is_no_key() -> None:
    assert orders.check_key(None) is None


def test_wishes_are_told_apart_by_every_part() -> None:
    wishes = [(1, "EUR", None), (1, "EUR", ""), (1, "EU", "R"), (10, "EUR", None), ("1", "EUR")]
    assert len({orders.fingerprint(*wish) for wish in wishes}) == len(wishes)
    orders.same(orders.fingerprint(1, "a"), orders.fingerprint(1, "a"))


def test_a_refusal_is_for_good_and_silence_is_not() -> None:
    refused = orders.provider_problem(ProviderError("no", refused=True))
    silent = orders.provider_problem(ProviderError("no", refused=False))
    assert (refused.kind.status, refused.retry_after_s) == (422, None)
    assert (silent.kind.status, silent.retry_after_s) == (502, 2)
