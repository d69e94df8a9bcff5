"""What a text looks like, whatever it is spelled with."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.moderation.skeleton import skeletons


def alike(one: str, other: str) -> bool:
    """Either view is the same."""
    return not set(skeletons(one)).isdisjoint(skeletons(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("paypal", "\u0440\u0430\u0443\u0440\u0430l"),  # Cyrillic
        ("PayPal", "PayPaI"),  # I for l
        ("bill", "BILL"),
        ("moon", "rnoon"),
        ("admin", "\u03b1dmin"),
        ("admin", "\uff41\uff44\uff4d\uff49\uff4e"),
        ("admin", "\U0001d41a\U0001d4b9\U0001d4f6\U0001d526\U0001d55f"),
        ("O0", "00"),
        ("ana", "a\u200bn\u200da"),
        ("café", "cafe\u0301"),
        ("Straße", "STRASSE"),
    ],
)
def test_what_looks_the_same_has_one_skeleton(one: str, other: str) -> None:
    assert alike(one, other)


@pytest.mark.parametrize(
    ("one", "other"), [("ana", "anna"), ("mail", "mall"), ("ben", "hen"), ("東京", "京都")]
)
def test_what_looks_different_has_none_in_common(one: str, other: str) -> None:
    assert not alike(one, other)


def test_letters_of_plain_english_stand_for_themselves() -> None:
    """But for `m`, which is spelled `rn`, and `I`, `1`, `0` of the first view."""
    small = "abcdefghijklnopqrstuvwxyz"
    assert skeletons(small) == (small, small)
    assert skeletons("m") == ("rn", "rn")


@given(st.text(max_size=30))
def test_case_never_tells_two_texts_apart(text: str) -> None:
    assert alike(text, text.casefold())


@given(st.text(max_size=30))
def test_a_skeleton_is_always_the_same(text: str) -> None:
    assert skeletons(text) == skeletons(text)
    assert skeletons(text + "\u200b") == skeletons(text)
