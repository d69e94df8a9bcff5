"""Word lists, and the ways around them that do not work."""

from __future__ import annotations

from pathlib import Path

import pytest

from chat.moderation.words import Words, WordsError, read_words

WORDS = Words(block=["frell", "drek*", "go home now", "ass"], hold=["smurf"])


@pytest.mark.parametrize(
    "text",
    [
        "frell",
        "Oh FRELL!",
        "what the frell?",
        "fr\u0435ll",  # Cyrillic
        "\U0001d523\U0001d52f\U0001d522\U0001d529\U0001d529",
        "\uff46\uff52\uff45\uff4c\uff4c",
        "f\u200br\u200be\u200bl\u200bl",
        "fréll",
        "f r e l l",
        "f.r.e.l.l",
        "f-r-e-l-l you",
        "fre.ll",
        "fr3ll",
        "freIl",
        "fre11",
        "frrrrelllll",
        "drekish",
        "D.R.E.K",
        "please go  home, now",
        "a$$",
        "you ass",
    ],
)
def test_a_blocked_word_is_found(text: str) -> None:
    assert WORDS.find(text) == "block"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "class pass grass",
        "frellow",
        "undrek",
        "go home",
        "as s",
        "home now",
        "glass.house",
        "a b c d e f g",
    ],
)
def test_other_words_are_left_alone(text: str) -> None:
    assert WORDS.find(text) is None


def test_what_is_to_be_held_is_found_and_blocking_goes_first() -> None:
    assert WORDS.find("a Smurf") == "hold"
    assert WORDS.find("a frell smurf") == "block"


def test_without_lists_nothing_is_found() -> None:
    assert Words().find("frell") is None


def test_lists_are_read_from_a_folder(tmp_path: Path) -> None:
    (tmp_path / "english.block.txt").write_text("# the worst\nfrell  # of all\n\n")
    (tmp_path / "german.block.txt").write_text("drek*\n")
    (tmp_path / "english.hold.txt").write_text("smurf\n")
    (tmp_path / "readme.txt").write_text("hello\n")
    words = read_words(tmp_path)
    found = [words.find(text) for text in ("frell", "dreks", "smurf", "hello")]
    assert found == ["block", "block", "hold", None]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WordsError, match="nowhere"):
        read_words(tmp_path / "nowhere")


def test_a_list_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.hold.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(WordsError, match="UTF-8"):
        read_words(tmp_path)
