"""Words and their times."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from recorder.captions.words import Word, rising
from tests.recorder.captions.speech import assert_rising


def test_a_word_can_be_moved_to_another_beginning() -> None:
    assert Word("a", 10, 20, 0.5).later(1_000) == Word("a", 1_010, 1_020, 0.5)


def test_words_that_rise_stay_as_they_are() -> None:
    words = [Word("a", 0, 10), Word("b", 10, 20), Word("c", 500, 600)]
    assert rising(words) == words


def test_an_overlap_goes_to_the_word_before_and_no_word_lasts_no_time() -> None:
    words = rising([Word("a", 0, 100), Word("b", 50, 150), Word("c", 60, 70)])
    assert words == [Word("a", 0, 100), Word("b", 100, 150), Word("c", 150, 151)]


def test_they_can_follow_others() -> None:
    assert rising([Word("a", 5, 9)], after_ms=7) == [Word("a", 7, 9)]


@given(st.lists(st.tuples(st.integers(-1_000, 10_000), st.integers(-1_000, 10_000))))
def test_whatever_the_times_were_they_rise(times: list[tuple[int, int]]) -> None:
    words = rising(Word(str(number), *both) for number, both in enumerate(times))
    assert_rising(words)
    assert [word.text for word in words] == [str(number) for number in range(len(times))]
