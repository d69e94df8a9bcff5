"""Finding what was said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.captions.cues import Cue
from recorder.captions.search import Hit, Index, folded, parsed

CUES = [
    Cue(0, 2_000, "Welcome to the live stream,\nmy friends."),
    Cue(2_000, 4_000, "Today we play music from the caf\u00e9"),
    Cue(5_000, 7_000, "in the old town of \u00dcbersee."),
    Cue(60_000, 62_000, "Don\u2019t forget the music!"),
    Cue(70_000, 72_000, "\u4eca\u5929\u5929\u6c14\u5f88\u597d"),
]
INDEX = Index(CUES)


def times(query: str) -> list[int]:
    return [hit.at_ms for hit in INDEX.find(query)]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("music", [2_000, 60_000]),
        ("MUSIC cafe", [2_000]),
        ("cafe\u0301 ", [2_000]),
        ("ubersee", [5_000]),
        ("don't forget", [60_000]),
        ('"live stream my friends"', [0]),
        ('"stream live"', []),
        ("stream live", [0]),
        ("cafe town", [2_000]),
        ("town cafe", [2_000]),
        ("welcome town", []),
        ("mus", [2_000, 60_000]),
        ("mus ", []),
        ('"mus"', []),
        ("\u5929\u6c14", [70_000]),
        ("\u6c14\u5929", []),
        ("nothing", []),
        ("", []),
        ('" ?! "', []),
    ],
)
def test_where_it_was_said(query: str, found: list[int]) -> None:
    assert times(query) == found


def test_a_hit_shows_the_words_around_it_and_marks_what_was_found() -> None:
    (hit,) = INDEX.find("old town")
    assert hit.cue == 2
    assert [hit.snippet[start:end] for start, end in hit.marks] == ["old", "town"]
    assert hit.snippet == "we play music from the caf\u00e9 in the old town of \u00dcbersee"


def test_a_phrase_may_go_from_one_cue_to_the_next() -> None:
    (hit,) = INDEX.find('"caf\u00e9 in the"')
    assert (hit.at_ms, hit.cue) == (2_000, 1)
    assert [hit.snippet[start:end] for start, end in hit.marks] == ["caf\u00e9 in the"]


def test_not_more_than_wanted() -> None:
    assert len(INDEX.find("music", most=1)) == 1
    assert INDEX.find("music", most=0) == []


def test_a_word_that_is_said_twice_in_a_cue_is_one_hit() -> None:
    assert len(Index([Cue(0, 1_000, "go go go")]).find("go")) == 1


def test_queries_are_taken_apart() -> None:
    assert parsed('One "two THREE" fo') == ([["one"], ["two", "three"], ["fo"]], True)
    assert parsed('"open end') == ([["open", "end"]], False)
    assert folded("\u00c9COLE\u2019s Stra\u00dfe") == "ecole's strasse"


def test_no_captions_have_no_hits() -> None:
    assert Index([]).find("a") == []


@given(
    st.lists(st.text("ab \u00e9\u4f60'\"\n", max_size=20), max_size=8),
    st.text("ab \u00e9\u4f60'\"", max_size=8),
)
def test_marks_always_lie_in_the_snippet(texts: list[str], query: str) -> None:
    cues = [Cue(at * 1_000, at * 1_000 + 900, text) for at, text in enumerate(texts)]
    hits: list[Hit] = Index(cues).find(query)
    assert [hit.at_ms for hit in hits] == sorted({hit.at_ms for hit in hits})
    for hit in hits:
        assert hit.at_ms == cues[hit.cue].from_ms
        assert all(0 <= start < end <= len(hit.snippet) for start, end in hit.marks)
