"""SRT, there and back, and from hostile hands."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recorder.captions.cues import Cue, Style
from recorder.captions.srt import read, write
from recorder.captions.upload import UnreadableCaptions


def test_a_file_is_written_and_read_again() -> None:
    cues = [Cue(0, 1_500, "one\ntwo"), Cue(3_723_004, 3_724_000, "a & b", (Style("i", 0, 1),))]
    text = write(cues)
    assert text == (
        "1\n00:00:00,000 --> 00:00:01,500\none\ntwo\n"
        "\n2\n01:02:03,004 --> 01:02:04,000\n<i>a</i> & b\n"
    )
    assert read(text.encode()) == cues


def test_what_other_programs_write_is_read() -> None:
    data = (
        "\ufeff1\r\n0:00:01,5 --> 0:00:02,000 X1:40 X2:600\r\n{\\an8}<b>Hi</b>\r\n\r\n\r\n"
        "00:00:03.000 --> 00:00:04.000\r\nwithout a number\r\n"
    )
    assert read(data.encode()) == [
        Cue(1_500, 2_000, "Hi", (Style("b", 0, 2),)),
        Cue(3_000, 4_000, "without a number"),
    ]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "There is no caption in the file."),
        (b"1\nhello\n", "Line 1: a caption's number and a line such as 00:01:02,500 -->"),
        (b"1\n00:00:01,000 --> 00:00:02,000\na\n\nlost", "Line 5: a caption's number and"),
        (b"1\n00:00:01,000 --> 00:00:99,000\na", "Line 2: '00:00:99,000' has more than 59"),
        (b"1\n00:00:01,000 --> 00:00:01,000\na", "Line 2: the caption ends before it begins"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(data: bytes, problem: str) -> None:
    with pytest.raises(UnreadableCaptions) as caught:
        read(data)
    assert str(caught.value).startswith(problem)


def test_text_that_looks_like_markup_does_not_become_any() -> None:
    cues = [Cue(0, 1_000, "<b>no</b> {\\an8} <font> a --> b < c")]
    again = read(write(cues).encode())
    assert again == [Cue(0, 1_000, "< b>no< /b> { \\an8} < font> a -- > b < c")]


LINES = st.sampled_from(
    ["1", "00:00:01,000 --> 00:00:02,000", "00:00:05,000 --> 00:00:04,000", "", "", "<i>a", "{\\x}"]
)
HOSTILE = st.one_of(
    st.binary(max_size=200),
    st.lists(st.one_of(LINES, st.text(max_size=20)), max_size=30).map(
        lambda lines: "\n".join(lines).encode(errors="replace")
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
    assert len(read(write(cues).encode())) == len(cues) if cues else True
