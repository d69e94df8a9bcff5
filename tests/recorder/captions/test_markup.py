"""Which tags are tags."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.captions.cues import Style
from recorder.captions.markup import SRT, TAGS, VTT, parsed, rendered


def test_bold_italics_and_underlined_are_kept() -> None:
    assert parsed(["a <b>b<i>c</i></b> <U>d</u>"], VTT) == (
        "a bc d",
        (Style("b", 2, 4), Style("i", 3, 4), Style("u", 5, 6)),
    )


@pytest.mark.parametrize("grammar", [VTT, SRT])
@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '<b onclick="x">b',
        "<img src=x onerror=y>",
        "a < b > c",
        "<<b",
        "<",
        "<i",
    ],
)
def test_anything_else_is_text(text: str, grammar: object) -> None:
    assert grammar in (VTT, SRT)
    assert parsed([text], VTT if grammar is VTT else SRT) == (text, ())


def test_what_the_formats_use_for_other_ends_is_taken_out() -> None:
    assert parsed(["<v.loud Kim Lee>Hi <c.red>you</c>, <00:01.000>there</v>"], VTT) == (
        "Hi you, there",
        (),
    )
    assert parsed(['{\\an8}<font color="#ff0000">Hi</font>'], SRT) == ("Hi", ())


def test_references_are_letters_in_webvtt_only() -> None:
    assert parsed(["&lt;b&gt; &amp; &#8364;"], VTT) == ("<b> & \u20ac", ())
    assert parsed(["&lt;b&gt;"], SRT) == ("&lt;b&gt;", ())


def test_references_bring_in_no_lines_and_nothing_that_turns_text() -> None:
    assert parsed(["a&#10;&#10;b&#x202E;c&#0;"], VTT) == ("a  bc\ufffd", ())


def test_tags_go_over_lines_and_end_with_the_cue() -> None:
    assert parsed(["<i>one", "two"], VTT) == ("one\ntwo", (Style("i", 0, 7),))
    assert parsed(["</i>one"], VTT) == ("one", ())


def test_lines_without_text_are_left_out() -> None:
    assert parsed(["<i></i>", "  a ", "&nbsp;", "b"], VTT) == ("a\nb", ())


def test_tags_are_closed_in_the_reverse_order() -> None:
    styles = (Style("b", 0, 2), Style("i", 1, 3))
    assert rendered("abc", styles, str) == "<b>a<i>b</i></b><i>c</i>"


@given(
    st.text("ab<>&", min_size=1, max_size=12),
    st.lists(st.tuples(st.sampled_from(TAGS), st.integers(0, 12), st.integers(0, 12))),
)
def test_what_is_written_is_read_again(text: str, spans: list[tuple[object, int, int]]) -> None:
    styles = [Style(tag, a, min(b, len(text))) for tag in TAGS for one, a, b in spans if one == tag]
    escape = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;"}
    line = rendered(text, styles, lambda part: part.translate(escape))
    again, read = parsed([line], VTT)
    assert again == text
    for at in range(len(text)):
        for tag in TAGS:
            assert covered(read, tag, at) == covered(styles, tag, at)


def covered(styles: tuple[Style, ...] | list[Style], tag: str, at: int) -> bool:
    return any(one.tag == tag and one.start <= at < one.end for one in styles)
