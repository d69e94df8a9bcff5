"""WebVTT, there and back, and from hostile hands."""

from __future__ import annotations

import contextlib
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recorder.captions import vtt
from recorder.captions.cues import Cue, Style
from recorder.captions.upload import UnreadableCaptions
from recorder.captions.vtt import TimestampMap, read, stamp, timestamp_map, write


def test_a_file_is_written() -> None:
    cues = [
        Cue(0, 1_500, "one\ntwo"),
        Cue(3_723_004, 3_724_000, "a < b & <i>", (Style("b", 0, 1),)),
    ]
    assert write(cues) == (
        "WEBVTT\n"
        "\n00:00:00.000 --> 00:00:01.500\none\ntwo\n"
        "\n01:02:03.004 --> 01:02:04.000\n<b>a</b> &lt; b &amp; &lt;i&gt;\n"
    )
    assert write([]) == "WEBVTT\n"


def test_a_segment_says_which_media_time_its_times_are() -> None:
    text = write([Cue(5_000, 6_000, "a")], TimestampMap())
    assert text.startswith("WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\n\n00:00:05.000")
    assert timestamp_map(text.encode()) == TimestampMap(0, 0)
    assert timestamp_map(write([]).encode()) is None


def test_media_times_wrap_after_26_hours() -> None:
    late = TimestampMap.of_media(27 * 3_600_000, 0)
    assert late.mpegts == 27 * 3_600_000 * 90 - vtt.MPEGTS_WRAP
    assert timestamp_map(write([], late).encode()) == late


def test_nothing_in_a_cue_can_break_the_file() -> None:
    text = write([Cue(-5, 10, "a\n\n\x00b\r\r\n--> c\u202e"), Cue(5, 5, "none"), Cue(0, 9, " \n ")])
    assert text == "WEBVTT\n\n00:00:00.000 --> 00:00:00.010\na\nb\n--&gt; c\n"


def test_what_other_programs_write_is_read() -> None:
    data = (
        "\ufeffWEBVTT - a title\nKind: captions\n\n"
        "STYLE\n::cue { color: red }\n\nNOTE a remark\nof two lines\n\nREGION\nid:x\n\n"
        "intro\n00:01.000 --> 00:02.000 position:10% align:start\n<v Kim>Hi &amp; <i>hello</i>\n\n"
        "00:00:03.000-->00:00:04.000\r\ntwo\rlines\n"
    )
    assert read(data.encode()) == [
        Cue(1_000, 2_000, "Hi & hello", (Style("i", 5, 10),)),
        Cue(3_000, 4_000, "two\nlines"),
    ]


def test_a_first_cue_may_stand_right_behind_the_head() -> None:
    assert read(b"WEBVTT\n00:01.000 --> 00:02.000\na") == [Cue(1_000, 2_000, "a")]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "Line 1: a WebVTT file begins with the word WEBVTT"),
        (b"WEBVTTX\n", "Line 1: a WebVTT file begins"),
        (b"\nWEBVTT\n", "Line 1: a WebVTT file begins"),
        (b"1\n00:00:01,000 --> 00:00:02,000\na\n", "Line 1: a WebVTT file begins"),
        (b"WEBVTT\n\nhello\nthere\nyou", "Line 3: there is text without a time"),
        (b"WEBVTT\n\nid\n00:01.000 --> x\na", "Line 4: 'x' is no time. Write it as 00:01:02.500."),
        (b"WEBVTT\n\n00:02.000 --> 00:01.000\na", "Line 3: the caption ends before it begins"),
        (b"WEBVTT\n\n00:01.000 --> 00:02.000\na\0b", "Line 4: it holds a NUL character"),
        (b"WEBVTT\n\n00:01.000 --> 00:02.000\n\xff", "Line 4: it is not UTF-8"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(data: bytes, problem: str) -> None:
    with pytest.raises(UnreadableCaptions) as caught:
        read(data)
    assert str(caught.value).startswith(problem)


def test_hostile_text_is_shown_as_text() -> None:
    data = b"WEBVTT\n\n00:01.000 --> 00:02.000\n<script>alert(1)</script>\xe2\x80\xae!"
    cues = read(data)
    assert cues == [Cue(1_000, 2_000, "<script>alert(1)</script>!")]
    assert "<script" not in write(cues)


def test_times_are_written_in_full() -> None:
    assert [stamp(-1), stamp(359_999_999), stamp(360_000_000)] == [
        "00:00:00.000",
        "99:59:59.999",
        "100:00:00.000",
    ]


LINES = st.sampled_from(
    [
        "00:00:01.000 --> 00:00:02.000",
        "00:01.000 --> 00:00.500",
        "00:05.000 --> 09:00.000 line:0",
        "NOTE",
        "STYLE",
        "1",
        "",
        "",
        "<b>bold</i>",
        "<v x>&lt;&#10;",
        "-->",
        "\u202e\x00",
    ]
)
HOSTILE = st.one_of(
    st.binary(max_size=200),
    st.lists(st.one_of(LINES, st.text(max_size=20)), max_size=30).map(
        lambda lines: "\n".join(["WEBVTT", *lines]).encode(errors="replace")
    ),
)


@settings(max_examples=300)
@given(HOSTILE)
def test_any_file_is_read_in_order_or_refused(data: bytes) -> None:
    try:
        cues = read(data)
    except UnreadableCaptions:
        return
    assert all(cue.from_ms < cue.to_ms and cue.text for cue in cues)
    assert all(cue.to_ms <= later.from_ms for cue, later in pairwise(cues))
    assert read(write(cues).encode()) == cues


@given(HOSTILE)
def test_the_head_of_any_file_is_looked_at(data: bytes) -> None:
    with contextlib.suppress(UnreadableCaptions):
        timestamp_map(data)
