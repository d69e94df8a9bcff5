"""What was said lately."""

from __future__ import annotations

from chat.moderation.said import REPEAT_MS, UNIQUE_MS, Said
from chat.people import UserId

ANA, BEN = UserId("ana"), UserId("ben")


def test_slow_mode_counts_from_the_last_message() -> None:
    said = Said()
    assert said.slow_ms(ANA, 5_000, 0) == 0
    said.note(ANA, "k1", 1_000)
    assert said.slow_ms(ANA, 5_000, 2_000) == 4_000
    assert said.slow_ms(ANA, 5_000, 6_000) == 0
    assert said.slow_ms(BEN, 5_000, 2_000) == 0


def test_a_message_told_late_by_the_log_does_not_turn_time_back() -> None:
    said = Said()
    said.note(ANA, "k1", 5_000)
    said.note(ANA, "k0", 1_000)
    assert said.slow_ms(ANA, 5_000, 6_000) == 4_000


def test_a_message_is_known_again_for_a_while() -> None:
    said = Said()
    said.note(ANA, "k1", 0)
    said.note(ANA, "k1", REPEAT_MS - 1)
    assert said.repeats(ANA, "k1", REPEAT_MS - 1)
    assert not said.repeats(ANA, "k1", REPEAT_MS), "and being told twice does not lengthen it"
    assert not said.repeats(BEN, "k1", 0)
    said.note(ANA, "k1", REPEAT_MS)
    assert said.repeats(ANA, "k1", REPEAT_MS)


def test_what_is_kept_of_a_person_is_bounded() -> None:
    said = Said()
    for number in range(100):
        said.note(ANA, f"k{number}", 0)
    assert [said.repeats(ANA, f"k{number}", 0) for number in (67, 68, 99)] == [False, True, True]


def test_the_same_words_are_not_new_however_they_are_written() -> None:
    said = Said()
    said.note_text("Hello, World!", 0)
    for text in ("hello world", "HELLO...WORLD", "\u041d\u0435ll\u043e world", "h e l l o world"):
        assert not said.is_new(text, UNIQUE_MS - 1), text
    assert said.is_new("hello worlds", 0)
    assert said.is_new("hello world", UNIQUE_MS)


def test_signs_alone_are_told_apart() -> None:
    said = Said()
    said.note_text("!!!", 0)
    assert not said.is_new("!!!", 0)
    assert said.is_new("???", 0)
