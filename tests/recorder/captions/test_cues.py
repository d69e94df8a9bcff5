"""The rules that cues keep to, whole and while words come."""

from __future__ import annotations

import random
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from recorder.captions.cues import RULES, Cue, CueMaker, Rules, cues
from recorder.captions.layout import width
from recorder.captions.words import Word


def said(text: str, from_ms: int = 0, each_ms: int = 300) -> list[Word]:
    return [
        Word(one, from_ms + at * each_ms, from_ms + (at + 1) * each_ms)
        for at, one in enumerate(text.split())
    ]


def test_a_short_sentence_is_one_cue() -> None:
    assert cues(said("welcome to the stream")) == [Cue(0, 1_200, "welcome to the stream")]


def test_a_pause_begins_a_new_one() -> None:
    words = [*said("one two three four"), *said("five", 1_700)]
    assert cues(words) == [Cue(0, 1_200, "one two three four"), Cue(1_700, 2_700, "five")]


def test_a_shorter_pause_does_not() -> None:
    words = [*said("one two three four"), *said("five", 1_699)]
    assert [cue.text for cue in cues(words)] == ["one two three four five"]


def test_at_most_two_lines_of_42_columns() -> None:
    line = "alphabet alphabet alphabet alphabet"
    made = cues(said(f"{line} {line} {line}", each_ms=100))
    assert [cue.text for cue in made] == [f"{line}\n{line}", line]


def test_at_most_seven_seconds() -> None:
    made = cues(said("a b c d e f g h i j", each_ms=1_000))
    assert [cue.text for cue in made] == ["a b c d e f g", "h i j"]
    assert max(cue.to_ms - cue.from_ms for cue in made) == 7_000


def test_one_word_that_is_drawn_out_is_cut_off() -> None:
    assert cues([Word("goooal", 0, 30_000)]) == [Cue(0, 7_000, "goooal")]


def test_a_cue_stays_for_a_second_where_there_is_room() -> None:
    words = [Word("yes", 0, 200), Word("no", 800, 1_000), Word("maybe", 3_000, 3_100)]
    assert cues(words) == [Cue(0, 800, "yes"), Cue(800, 1_800, "no"), Cue(3_000, 4_000, "maybe")]


def test_a_sentence_that_ends_ends_its_cue() -> None:
    words = said("that is all for now. thank you")
    assert [cue.text for cue in cues(words)] == ["that is all for now.", "thank you"]
    assert [cue.text for cue in cues(said("no. yes."))] == ["no. yes."]


def test_a_word_longer_than_a_line_is_cut() -> None:
    made = cues([Word("a" * 100, 0, 1_000)])
    assert [cue.text.split("\n") for cue in made] == [["a" * 42, "a" * 42], ["a" * 16]]
    assert (made[0].from_ms, made[-1].to_ms) == (0, 1_666)


def test_empty_words_and_control_characters_leave_nothing() -> None:
    words = [Word(" \n", 0, 1), Word("a\x00\u202eb\n\nc", 10, 20)]
    assert [cue.text for cue in cues(words)] == ["ab c"]
    assert cues([]) == []


def test_while_words_come_a_cue_is_given_when_nothing_can_change_it() -> None:
    maker = CueMaker()
    assert maker.add(said("one two three four")) == []
    assert maker.heard(1_600) == []
    assert maker.heard(1_700) == [Cue(0, 1_200, "one two three four")]
    assert maker.add([Word("five", 2_000, 2_100)]) == []
    # Closed, and whether it may stay for a second is not known yet.
    assert maker.heard(2_700) == []
    assert maker.add([Word("six", 2_800, 2_900)]) == [Cue(2_000, 2_800, "five")]
    assert maker.finish() == [Cue(2_800, 3_800, "six")]


LETTERS = st.text("abc.\u4f60", min_size=1, max_size=50)
GAPS = st.tuples(LETTERS, st.integers(0, 1_200), st.integers(0, 4_000))


@settings(max_examples=200)
@given(st.lists(GAPS, max_size=40), st.randoms(use_true_random=False))
def test_portions_make_no_difference_and_the_rules_hold(
    spoken: list[tuple[str, int, int]], dice: random.Random
) -> None:
    words, at_ms = [], 0
    for text, gap_ms, length_ms in spoken:
        words.append(Word(text, at_ms + gap_ms, at_ms + gap_ms + length_ms))
        at_ms = words[-1].to_ms
    whole = cues(words)
    maker, streamed = CueMaker(), list[Cue]()
    for word, after in pairwise([*words, Word("", at_ms, at_ms)]):
        streamed += maker.add([word])
        if dice.random() < 0.5:
            # The end of a word may be moved on, to give time to the pieces of a long one.
            streamed += maker.heard(dice.randint(word.from_ms, max(word.from_ms, after.from_ms)))
    assert streamed + maker.finish() == whole
    for cue, later in pairwise(whole):
        assert cue.to_ms <= later.from_ms
    for cue in whole:
        assert cue.from_ms < cue.to_ms <= cue.from_ms + RULES.longest_ms
        lines = cue.text.split("\n")
        assert len(lines) <= RULES.lines
        assert all(0 < width(line) <= RULES.width for line in lines)
    assert "".join("".join(cue.text.split()) for cue in whole) == "".join(w.text for w in words)


def test_other_rules_can_be_set() -> None:
    rules = Rules(lines=1, width=10)
    assert [one.text for one in cues(said("one two three"), rules)] == ["one two", "three"]
