"""Languages as MP4 names them."""

from __future__ import annotations

import pytest

from recorder.mp4.language import iso_639_2, packed


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("en", "eng"),
        ("pt-BR", "por"),
        ("ZH-Hant", "zho"),
        ("gsw", "gsw"),
        ("xx", "und"),
        ("", "und"),
        ("日本語", "und"),
    ],
)
def test_a_language_has_three_letters(tag: str, code: str) -> None:
    assert iso_639_2(tag) == code


def test_a_letter_has_five_bits() -> None:
    assert packed("und") == 0x55C4
