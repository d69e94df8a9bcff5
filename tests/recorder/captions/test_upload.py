"""Files that people hand in: limits, lines that are named, and what is mended."""

from __future__ import annotations

import pytest

from recorder.captions import upload
from recorder.captions.cues import Cue, Style
from recorder.captions.upload import Block, Placed, UnreadableCaptions, blocks, in_order, times


def refused(data: bytes) -> str:
    with pytest.raises(UnreadableCaptions) as caught:
        blocks(data)
    return str(caught.value)


def test_blocks_are_divided_by_empty_lines_whatever_ends_a_line() -> None:
    assert blocks(b"\xef\xbb\xbfa\r\nb\n \t\n\r\rc") == [Block(1, ("a", "b")), Block(6, ("c",))]
    assert blocks(b"") == []


def test_a_file_that_is_too_large_is_not_read() -> None:
    assert "2.0 MiB; 2 MiB are the most" in refused(b"a" * (upload.MOST_BYTES + 1))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_named_or_its_nul_characters_are(encoding: str) -> None:
    assert refused("WEBVTT\n".encode(encoding)) in {
        "The file is UTF-16. Save it as UTF-8.",
        "Line 1: it holds a NUL character. Remove it.",
    }


def test_another_encoding_is_told_with_its_line() -> None:
    assert refused("one\r\ntwo\ncaf\u00e9".encode("latin-1")) == (
        "Line 3: it is not UTF-8. Save the file as UTF-8."
    )


def test_huge_lines_are_refused() -> None:
    assert refused(b"\n" + b"a" * 2_001) == (
        "Line 2: it has 2001 characters; 2000 are the most. Divide it."
    )


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("00:00:01.000 --> 00:00:02.500", (1_000, 2_500)),
        ("00:01.5-->01:00:00,250 align:left", (1_500, 3_600_250)),
    ],
)
def test_times_are_read(line: str, found: tuple[int, int]) -> None:
    assert times(line, 7, "x") == found


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("--> 00:00:02.500", "'' is no time"),
        ("00:00:01.000 -->", "'' is no time"),
        ("00:00:01 --> 00:00:02", "'00:00:01' is no time. Write it as x."),
        ("-00:00:01.000 --> 00:00:02.000", "is no time"),
        ("00:61:00.000 --> 01:00:00.000", "more than 59 minutes or seconds"),
        ("999:00:00.000 --> 999:00:01.000", "99 hours are the most"),
        ("00:00:02.000 --> 00:00:02.000", "ends before it begins. Put a later time"),
        ("\u0661:00.000 --> 00:00:02.000", "is no time"),
    ],
)
def test_bad_times_say_the_line_and_what_to_do(line: str, problem: str) -> None:
    with pytest.raises(UnreadableCaptions, match=r"^Line 7: ") as caught:
        times(line, 7, "x")
    assert problem in str(caught.value)


def placed(*cues: Cue) -> list[Placed]:
    return [Placed(number, cue) for number, cue in enumerate(cues, start=1)]


def test_cues_are_put_in_order_and_end_when_the_next_begins() -> None:
    mixed = placed(Cue(5_000, 6_000, "c"), Cue(0, 3_000, "a"), Cue(2_000, 4_000, "b"))
    assert in_order(mixed) == [
        Cue(0, 2_000, "a"),
        Cue(2_000, 4_000, "b"),
        Cue(5_000, 6_000, "c"),
    ]


def test_two_that_begin_together_become_one() -> None:
    both = placed(Cue(0, 1_000, "a", (Style("b", 0, 1),)), Cue(0, 2_000, "b", (Style("i", 0, 1),)))
    assert in_order(both) == [Cue(0, 2_000, "a\nb", (Style("b", 0, 1), Style("i", 2, 3)))]


def test_too_much_at_one_time_and_too_many_are_refused() -> None:
    with pytest.raises(UnreadableCaptions, match="Line 3: more than 2000 characters are shown"):
        in_order(placed(*[Cue(0, 1_000, "a" * 900)] * 3))
    many = [Placed(number, Cue(number, number + 1, "a")) for number in range(50_001)]
    with pytest.raises(UnreadableCaptions, match="Line 50000: 50000 captions are the most"):
        in_order(many)
