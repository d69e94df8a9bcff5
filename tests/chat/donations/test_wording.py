"""What donors write."""

from __future__ import annotations

import pytest

from chat.donations.wording import NAME_LONGEST, TEXT_LONGEST, Wording
from chat.moderation.parts import EmotePart, TextPart
from chat.moderation.text import Unfit
from chat.moderation.words import Words

WORDING = Wording(Words(block=["badword"], hold=["maybe"]))


def test_a_text_may_be_empty_and_is_cleaned() -> None:
    assert WORDING.message("  ") == ""
    assert WORDING.message(" a\u202eb\n c ") == "ab c"
    assert WORDING.name("") == ""


@pytest.mark.parametrize("text", ["x" * (TEXT_LONGEST + 1), "\u200b", "badword", "b\u0430dword"])
def test_a_text_that_is_not_fit_is_refused_before_it_is_paid_for(text: str) -> None:
    with pytest.raises(Unfit):
        WORDING.message(text)


@pytest.mark.parametrize("name", ["x" * (NAME_LONGEST + 1), "badword", "maybe"])
def test_a_name_must_need_no_moderator(name: str) -> None:
    with pytest.raises(Unfit):
        WORDING.name(name)


def test_what_a_moderator_should_see_first_is_kept_and_not_shown() -> None:
    assert WORDING.message("well, maybe") == "well, maybe"
    assert WORDING.parts("well, maybe") is None


def test_emotes_are_shown_and_addresses_stay_text() -> None:
    assert WORDING.parts("hi :heart:") == [TextPart("hi "), EmotePart("heart")]
    assert WORDING.parts("https://x.example/") == [TextPart("https://x.example/")]
    assert WORDING.parts("") == []
