"""Which hints become chapters, and which give way."""

from __future__ import annotations

import pytest

from recorder.chapters import (
    LONGEST_TITLE,
    MOST,
    MOST_EDITED,
    Candidate,
    Chapter,
    clean,
    found_distance_ms,
    merge,
)
from recorder.records import Mark
from tests.recorder.timelines import ORIGIN_S, replay

HOUR = replay((0, 3_600))


def marker(at_s: float, text: str) -> Mark:
    return Mark(round((ORIGIN_S + at_s) * 1_000), "marker", text)


def title(at_s: float, text: str) -> Mark:
    return Mark(round((ORIGIN_S + at_s) * 1_000), "title", text)


def told(chapters: list[Chapter]) -> list[tuple[int, str]]:
    """(second, title)"""
    return [(one.at_ms // 1_000, one.title) for one in chapters]


def test_the_first_chapter_is_at_0_and_has_the_broadcasts_title() -> None:
    assert merge(HOUR, "Roses") == [Chapter(0, "Roses", "start")]
    assert merge(HOUR, "  ") == [Chapter(0, "Start", "start")]


def test_an_empty_vod_has_no_chapters() -> None:
    assert merge(replay(), "Roses", [marker(1, "x")]) == []


def test_a_marker_right_at_the_start_names_the_first_chapter() -> None:
    assert merge(HOUR, "Roses", [marker(4, "Hello")]) == [Chapter(0, "Hello", "marker")]


def test_all_sources_are_in_one_list_by_time() -> None:
    chapters = merge(
        HOUR,
        "Roses",
        [title(1_000, "Tulips"), marker(500, "Tools")],
        scenes=[Candidate(2_000_000, 0.5)],
        peaks=[Candidate(1_500_000, 9)],
    )
    assert chapters == [
        Chapter(0, "Roses", "start"),
        Chapter(500_000, "Tools", "marker"),
        Chapter(1_000_000, "Tulips", "title"),
        Chapter(1_500_000, "Chat peak", "chat"),
        Chapter(2_000_000, "Chapter 5", "scene"),
    ]


def test_what_ranks_lower_keeps_its_distance() -> None:
    chapters = merge(
        HOUR,
        "Roses",
        [marker(500, "Tools"), title(510, "Tulips"), title(520, "Bulbs")],
        scenes=[Candidate(559_000, 0.9), Candidate(600_000, 0.5), Candidate(30_000, 0.9)],
        peaks=[Candidate(620_000, 9), Candidate(3_580_000, 9)],
    )
    assert told(chapters) == [(0, "Roses"), (500, "Tools"), (520, "Bulbs"), (600, "Chapter 4")]


def test_of_two_that_are_too_near_the_better_one_stays() -> None:
    scenes = [Candidate(600_000, 0.4), Candidate(640_000, 0.8), Candidate(690_000, 0.6)]
    assert told(merge(HOUR, "", scenes=scenes)) == [(0, "Start"), (640, "Chapter 2")]


def test_markers_may_be_close_together() -> None:
    marks = [marker(500, "One"), marker(502, "Two"), marker(502.5, "Three")]
    assert told(merge(HOUR, "", marks)) == [(0, "Start"), (500, "One"), (502, "Two")]


def test_a_title_that_stays_as_it_was_is_no_change() -> None:
    marks = [title(600, "Roses"), title(700, "Tulips"), title(800, "Tulips"), title(900, " ")]
    assert told(merge(HOUR, "Roses", marks)) == [(0, "Roses"), (700, "Tulips")]


def test_a_title_at_the_start_is_the_first_chapters() -> None:
    assert told(merge(HOUR, "Test", [title(2, "Roses")])) == [(0, "Roses")]
    assert told(merge(HOUR, "Test", [title(-20, "Roses")])) == [(0, "Roses")]


def test_marks_follow_the_media_over_gaps() -> None:
    """100 s, a gap of 50 s, and 100 s more: what was marked in the gap is where it ends."""
    broken = replay((0, 100), (150, 100))
    marks = [marker(120, "In the gap"), marker(200, "After it"), marker(260, "After the end")]
    assert told(merge(broken, "", marks)) == [
        (0, "Start"),
        (100, "In the gap"),
        (150, "After it"),
    ]


def test_there_are_not_too_many() -> None:
    scenes = [Candidate(60_000 * n, 0.5) for n in range(1, 600)]
    long = replay((0, 36_000))
    assert len(merge(long, "", scenes=scenes)) == MOST
    marks = [marker(10 * n, f"{n}") for n in range(1, 400)]
    chapters = merge(long, "", marks, scenes)
    assert len(chapters) == MOST_EDITED
    assert {one.source for one in chapters} == {"start", "marker"}


def test_short_vods_have_their_chapters_closer_together() -> None:
    assert found_distance_ms(3_600_000) == 60_000
    assert found_distance_ms(120_000) == 6_000
    scenes = [Candidate(at, 0.5) for at in (5_000, 20_000, 27_000, 116_000)]
    assert told(merge(replay((0, 120)), "", scenes=scenes)) == [
        (0, "Start"),
        (20, "Chapter 2"),
        (27, "Chapter 3"),
    ]


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("  a \n\t b ", "a b"),
        ("a\u202eb\u2066c\x00\x1b[31m", "abc[31m"),
        ("a\u200bb\ufeffc", "abc"),
        ("\U0001f469\u200d\U0001f33e", "\U0001f469\u200d\U0001f33e"),
        ("\ud800", ""),
        ("x" * 200, "x" * (LONGEST_TITLE - 1) + "…"),
    ],
)
def test_titles_are_one_plain_line(raw: str, cleaned: str) -> None:
    assert clean(raw) == cleaned
    assert clean(cleaned) == cleaned
