"""Where lines break and how wide they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.captions.layout import fits, joined, pieces, width, wrapped


@pytest.mark.parametrize(
    ("text", "columns"),
    [("", 0), ("abc", 3), ("\u4f60\u597d", 4), ("e\u0301", 1), ("\u0e01\u0e34", 1)],
)
def test_wide_letters_take_two_columns_and_marks_none(text: str, columns: int) -> None:
    assert width(text) == columns


def test_words_get_spaces_where_their_script_has_any() -> None:
    assert joined(["good", "morning"]) == "good morning"
    assert joined(["\u4f60", "\u597d"]) == "\u4f60\u597d"
    assert joined(["\uc548\ub155", "\uc138\uc0c1"]) == "\uc548\ub155 \uc138\uc0c1"
    assert joined(["\u4f60", "ok"]) == "\u4f60 ok"


def test_two_lines_are_about_the_same_length() -> None:
    words = ["one", "two", "three", "four", "five", "six"]
    assert wrapped(words, 20) == ["one two three", "four five six"]


def test_what_fits_stays_in_one_line() -> None:
    assert wrapped(["one", "two"], 7) == ["one two"]
    assert wrapped([], 7) == []


def test_fits_says_whether_so_many_lines_are_enough() -> None:
    assert fits(["aaa", "bbb"], 3, 2)
    assert not fits(["aaa", "bbb", "c"], 3, 2)


def test_a_long_word_is_cut() -> None:
    assert pieces("abcdefgh", 3) == ["abc", "def", "gh"]
    assert pieces("\u4f60\u597d\u5417", 3) == ["\u4f60", "\u597d", "\u5417"]


@given(st.lists(st.text("ab\u4f60", min_size=1, max_size=5), max_size=30), st.integers(10, 42))
def test_no_line_is_too_wide_and_nothing_is_lost(texts: list[str], most: int) -> None:
    lines = wrapped(texts, most)
    assert all(width(line) <= most for line in lines)
    assert "".join(lines).replace(" ", "") == "".join(texts)
