"""Chapters as WebVTT and JSON, and edited lists of strangers."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.chapter_formats import ChaptersRefused, encode, parse, stamp, vtt
from recorder.chapters import LONGEST_TITLE, MOST_EDITED, Chapter

LENGTH_MS = 3_700_000


def test_vtt_has_a_cue_until_the_next_chapter() -> None:
    chapters = [Chapter(0, "Start"), Chapter(61_500, "a --> b"), Chapter(3_600_000, "R & <D>")]
    assert vtt(chapters, LENGTH_MS) == (
        "WEBVTT\n\n"
        "1\n00:00:00.000 --> 00:01:01.500\nStart\n\n"
        "2\n00:01:01.500 --> 01:00:00.000\na --&gt; b\n\n"
        "3\n01:00:00.000 --> 01:01:40.000\nR &amp; &lt;D&gt;\n"
    )


def test_vtt_of_nothing() -> None:
    assert vtt([], LENGTH_MS) == "WEBVTT\n"


@pytest.mark.parametrize(
    ("ms", "text"),
    [(0, "00:00:00.000"), (3_723_004, "01:02:03.004"), (360_000_000, "100:00:00.000")],
)
def test_times(ms: int, text: str) -> None:
    assert stamp(ms) == text


def test_json_tells_where_a_chapter_comes_from() -> None:
    assert json.loads(encode([Chapter(5, "Tools", "marker")])) == [
        {"at_ms": 5, "title": "Tools", "source": "marker"}
    ]


def test_what_is_written_can_be_edited_and_read() -> None:
    chapters = [Chapter(0, "Start", "start"), Chapter(90_000, "Tools", "marker")]
    assert parse(encode(chapters), LENGTH_MS) == [Chapter(0, "Start"), Chapter(90_000, "Tools")]
    assert parse(b"[]", LENGTH_MS) == []


def test_titles_are_cleaned() -> None:
    data = json.dumps([{"at_ms": 0, "title": " a\u202e\n b "}]).encode()
    assert parse(data, LENGTH_MS) == [Chapter(0, "a b")]


@pytest.mark.parametrize(
    ("chapters", "why"),
    [
        ([(0, "a"), (0, "b")], "Chapter 2 does not begin after the one before it."),
        ([(5, "a"), (4, "b")], "Chapter 2 does not begin after the one before it."),
        ([(-1, "a")], "Chapter 1 is not within the video."),
        ([(LENGTH_MS, "a")], "Chapter 1 is not within the video."),
        ([(10**400, "a")], None),
        ([(0, "")], "Chapter 1 has no title."),
        ([(0, "\u202e\u200b ")], "Chapter 1 has no title."),
        (
            [(0, "x" * (LONGEST_TITLE + 1))],
            f"The title of chapter 1 is longer than {LONGEST_TITLE} characters.",
        ),
        (
            [(n, "x") for n in range(MOST_EDITED + 1)],
            f"There are {MOST_EDITED + 1} chapters, {MOST_EDITED} is the most.",
        ),
        ([("0", "a")], None),
        ([(True, "a")], None),
        ([(1.5, "a")], None),
        ([(0, 7)], None),
        ([(None, "a")], None),
    ],
)
def test_lists_that_are_refused(chapters: list[tuple[object, object]], why: str | None) -> None:
    data = json.dumps([{"at_ms": at, "title": title} for at, title in chapters]).encode()
    with pytest.raises(ChaptersRefused, match=None if why is None else f"^{why}$"):
        parse(data, LENGTH_MS)


@pytest.mark.parametrize("data", [b"", b"{}", b"null", b"[1]", b"[{}]", b"\xff", b"[" * 100_000])
def test_what_is_no_list_is_refused(data: bytes) -> None:
    with pytest.raises(ChaptersRefused, match="no list of chapters"):
        parse(data, LENGTH_MS)


@given(st.binary())
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        chapters = parse(data, LENGTH_MS)
    except ChaptersRefused:
        return
    assert parse(encode(chapters), LENGTH_MS) == chapters
