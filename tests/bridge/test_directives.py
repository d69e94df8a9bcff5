"""Delivery directives: what is read, what is refused, what must be waited for."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bridge.directives import NONE, WHOLE, Directives, awaited, part_limit, read_directives
from sluice.errors import Problem
from tests.bridge.windows import Windows


@pytest.mark.parametrize(
    ("query", "directives"),
    [
        ("", NONE),
        ("CMCD=bl%3D3&a=b", NONE),
        ("_HLS_msn=7", Directives(7)),
        ("_HLS_part=2&_HLS_msn=7", Directives(7, 2)),
        ("CMCD=x&_HLS_msn=7&_HLS_part=0&_HLS_skip=YES", Directives(7, 0, True)),
        ("_HLS_skip=v2", Directives(skip=True)),
        ("_HLS_unheard_of=7", NONE),
    ],
)
def test_directives_are_read_and_all_else_is_passed_over(
    query: str, directives: Directives
) -> None:
    assert read_directives(query) == directives


@pytest.mark.parametrize(
    "query",
    [
        "_HLS_part=1",
        "_HLS_msn=",
        "_HLS_msn",
        "_HLS_msn=-1",
        "_HLS_msn=1.5",
        "_HLS_msn=٣",
        "_HLS_msn=%31",
        "_HLS_msn=+1",
        "_HLS_msn=" + "1" * 21,
        "_HLS_msn=1&_HLS_msn=1",
        "_HLS_msn=1&_HLS_part=0&_HLS_part=1",
        "_HLS_skip=NO",
        "_HLS_skip=yes",
        "_HLS_skip=YES&_HLS_skip=YES",
    ],
)
def test_what_is_malformed_or_repeated_is_refused(query: str) -> None:
    with pytest.raises(Problem) as refusal:
        read_directives(query)
    assert refusal.value.kind.code == "directive-refused"


@given(st.text(max_size=80))
def test_strange_numbers_are_refused(text: str) -> None:
    number, _, _ = text.partition("&")  # what follows is another parameter
    assume(not (number.isascii() and number.isdigit()))
    with pytest.raises(Problem):
        read_directives("_HLS_msn=" + text)


def window() -> Windows:
    """Three segments and two parts of the fourth."""
    windows = Windows()
    windows.segments(3)
    windows.parts(2)
    return windows


def wait_for(windows: Windows, msn: int, part: int | None = None) -> tuple[int, int] | None:
    presentation = windows.presentation
    asked = Directives(windows.first + msn, part)
    found = awaited(asked, windows["source"], presentation.first_msn, presentation.settings)
    return None if found is None else (found[0] - windows.first, found[1])


def test_what_is_there_is_not_waited_for() -> None:
    windows = window()
    assert wait_for(windows, -1_000) is None
    assert wait_for(windows, 2) is None
    assert wait_for(windows, 3, 1) is None
    assert wait_for(windows, -1_000, 10**19) is None


def test_a_segment_alone_is_waited_for_until_it_is_complete() -> None:
    assert wait_for(window(), 3) == (3, WHOLE)
    assert wait_for(window(), 4) == (4, WHOLE)


def test_a_part_past_the_end_of_its_segment_is_part_0_of_the_next() -> None:
    windows = window()
    assert wait_for(windows, 3, 3) == (3, 3)
    windows.close()
    assert wait_for(windows, 3, 2) == (4, 0)
    windows.part()
    assert wait_for(windows, 3, 2) is None


@pytest.mark.parametrize(("msn", "part"), [(5, None), (5, 0), (3, 8), (4, 4), (10**19, None)])
def test_what_is_too_far_ahead_is_refused_and_no_cache_may_keep_that(
    msn: int, part: int | None
) -> None:
    with pytest.raises(Problem) as refusal:
        wait_for(window(), msn, part)
    assert refusal.value.kind.code == "directive-refused"
    assert refusal.value.headers == {"Cache-Control": "no-store"}


@pytest.mark.parametrize(("msn", "part"), [(4, None), (3, 7), (4, 3)])
def test_the_last_that_may_be_asked_for(msn: int, part: int | None) -> None:
    assert wait_for(window(), msn, part) is not None


def test_before_the_first_segment_the_presentation_says_what_comes() -> None:
    windows = Windows()
    assert wait_for(windows, 0, 0) == (0, 0)
    assert wait_for(windows, -5) is None


def test_the_advance_part_limit_is_three_seconds_or_three_parts() -> None:
    assert part_limit(0.5) == 6
    assert part_limit(0.25) == 12
    assert part_limit(0.333) == 9
    assert part_limit(1.0) == 3
    assert part_limit(2.0) == 3
