"""What may be shown."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.captions.text import clean


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("two\nlines\tand\u2028more", "two lines and more"),
        ("\x00\x07bell\x7f\x9f", "bell"),
        ("abc\u202ecba", "abccba"),
        ("\u2067isolated\u2069", "isolated"),
        ("\ufeffmark", "mark"),
        ("a lone \ud800", "a lone \ufffd"),
    ],
)
def test_what_breaks_files_or_turns_text_around_is_left_out(text: str, shown: str) -> None:
    assert clean(text) == shown


@pytest.mark.parametrize(
    "text", ["\u200fmark", "caf\u00e9", "\u0634\u0643\u0631\u0627", "\U0001f600"]
)
def test_letters_of_all_scripts_stay(text: str) -> None:
    assert clean(text) == text


@given(st.text())
def test_it_is_one_line_without_control_characters(text: str) -> None:
    assert not any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in clean(text))
    assert len(clean(text).splitlines()) <= 1
