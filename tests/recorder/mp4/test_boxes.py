"""Boxes that are written are found again; bytes that are none are errors."""

from __future__ import annotations

import pytest

from recorder.mp4.boxes import MalformedMedia, box, boxes, find, full
from tests.bridge import media


def test_boxes_are_found_where_they_were_put() -> None:
    data = box(b"moov", full(b"mvhd", b"12", version=1, flags=7), box(b"trak", b"abc"))
    moov = find(data, 0, len(data), b"moov")
    assert [each.kind for each in boxes(data, moov.start, moov.end)] == [b"mvhd", b"trak"]
    found = find(data, 0, len(data), b"moov", b"trak")
    assert data[found.start : found.end] == b"abc"
    assert media.box(data, "moov", "mvhd") == b"\1\0\0\x07" + b"12"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\0\0\0\x08fre", "cut off"),
        (b"\0\0\0\x00free", "0 bytes"),
        (b"\0\0\0\x07free", "7 bytes"),
        (b"\0\0\0\x09free", "9 bytes, of 8"),
        (b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x10", "1 bytes"),
    ],
)
def test_a_box_that_cannot_be_is_an_error(data: bytes, words: str) -> None:
    with pytest.raises(MalformedMedia, match=words):
        list(boxes(data, 0, len(data)))


def test_a_box_that_is_missing_is_named() -> None:
    data = box(b"moov", box(b"trak"))
    with pytest.raises(MalformedMedia, match="mdia"):
        find(data, 0, len(data), b"moov", b"trak", b"mdia")
