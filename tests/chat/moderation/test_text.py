"""Text of strangers, made fit to be shown."""

from __future__ import annotations

import unicodedata

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from chat.moderation.text import BYTES, GRAPHEMES, Unfit, clean, count, head

ZALGO = "z" + "\u0327\u0334\u0335\u0336\u0337\u0338\u0351\u0352\u0357" * 5 + "o"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("hello there", "hello there"),
        ("  a \t\r\n b\u2028c\u00a0\u3000d ", "a b c d"),
        ("cafe\u0301", "café"),
        ("a\x00\x07\x1b[31mb", "a[31mb"),
        ("\u202egnp.exe\u202c", "gnp.exe"),
        ("a\u2066b\u2069\u200e\u200f\u061cc", "abc"),
        ("in\u200bvis\u00adi\ufeffble\u2060", "invisible"),
        ("\u3164x\u115f", "x"),
        ("<b>&amp;</b>", "<b>&amp;</b>"),
        ("a\ue000\ufffeb", "ab"),
        ("f\u200d\u200du", "fu"),
        ("\u200d \u200c!", "!"),
    ],
)
def test_what_is_invisible_or_turns_text_around_is_taken_away(written: str, shown: str) -> None:
    assert clean(written) == shown


@pytest.mark.parametrize(
    "text", ["👩‍👩‍👧‍👦", "❤️", "👍🏽", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "1️⃣", "می‌خواهم", "क्‍ष", "สวัสดี", "שָׁלוֹם"]
)
def test_emoji_and_scripts_stay_as_they_are(text: str) -> None:
    assert clean(text) == unicodedata.normalize("NFC", text)


def test_tags_that_spell_no_flag_hide_nothing() -> None:
    assert clean("a" + "".join(chr(0xE0000 + ord(c)) for c in "secret")) == "a"


def test_a_character_carries_three_marks_at_most() -> None:
    cleaned = clean(ZALGO)
    assert unicodedata.normalize("NFD", cleaned)[0] == "z"
    assert sum(unicodedata.category(one) in ("Mn", "Me") for one in cleaned) <= 3
    assert count(cleaned) == 2


@pytest.mark.parametrize("text", ["", " ", "\u200b", "\u202e\u202c", "\u2800\u2800", "\x00"])
def test_nothing_to_read_is_refused(text: str) -> None:
    with pytest.raises(Unfit, match="nothing to read"):
        clean(text)


def test_characters_are_counted_as_a_reader_counts_them() -> None:
    family = "👩‍👩‍👧‍👦"
    assert count(family * 3) == 3
    assert clean("x" * GRAPHEMES)
    with pytest.raises(Unfit, match="500 characters"):
        clean("x" * (GRAPHEMES + 1))


def test_a_text_may_be_too_long_in_bytes_alone() -> None:
    family = "👩‍👩‍👧‍👦"
    assert len(family.encode()) * 81 > BYTES
    with pytest.raises(Unfit, match="2000 bytes"):
        clean(family * 81)


def test_a_head_never_cuts_a_character_in_two() -> None:
    assert head("abcdef", 6) == "abcdef"
    assert head("abcdef", 4) == "abc…"
    assert head("👍🏽👍🏽👍🏽", 2) == "👍🏽…"


NASTY = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("\u200b\u200c\u200d\ufe0f\u0301\u0338\u202e\u2066\U0001f3f4\U000e0067"
                        "\U000e007f❤👩 \u0e33ab\u1100\u1161\u115f\u2800"),
    ),
    max_size=60,
)  # fmt: skip


@given(NASTY)
def test_cleaning_again_changes_nothing(text: str) -> None:
    try:
        cleaned = clean(text)
    except Unfit:
        return
    assert clean(cleaned) == cleaned
    assert unicodedata.is_normalized("NFC", cleaned)
    assert cleaned == cleaned.strip()
    assert not any(unicodedata.category(one) in ("Cc", "Cs", "Co") for one in cleaned)
    assert not set(cleaned) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200e\u200f")
    assert count(cleaned) <= GRAPHEMES
    assert len(cleaned.encode()) <= BYTES


@given(NASTY.map(lambda text: text * 3))
def test_no_grapheme_grows_over_its_line(text: str) -> None:
    try:
        cleaned = clean(text, 10_000, 100_000)
    except Unfit:
        return
    for grapheme in regex.findall(r"\X", cleaned):
        assert len(regex.findall(r"[\p{Mn}\p{Me}]", grapheme)) <= 3
