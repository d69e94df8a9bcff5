"""What the bridge makes of a document of captions."""

from __future__ import annotations

import pytest

from bridge.captions import EMPTY, LONGEST, TIMESTAMP_MAP, timed

CUE = "00:00:01.000 --> 00:00:02.000\nwords\n"


@pytest.mark.parametrize(
    ("document", "made"),
    [
        (EMPTY, f"WEBVTT\n{TIMESTAMP_MAP}\n\n"),
        ("WEBVTT", f"WEBVTT\n{TIMESTAMP_MAP}\n\n"),
        (f"WEBVTT\n\n{CUE}", f"WEBVTT\n{TIMESTAMP_MAP}\n\n{CUE}"),
        (f"WEBVTT a title\nX: y\n\n{CUE}", f"WEBVTT a title\n{TIMESTAMP_MAP}\nX: y\n\n{CUE}"),
        (f"WEBVTT\r\n\r\n{CUE}", f"WEBVTT\r\n{TIMESTAMP_MAP}\n\r\n{CUE}"),
    ],
)
def test_the_map_stands_below_the_first_line_and_an_empty_line_ends_the_header(
    document: str, made: str
) -> None:
    assert timed(document) == made


@pytest.mark.parametrize(
    "document", ["", CUE, "WEBVTTX\n", "\nWEBVTT\n", "WEBVTT\n" + "x" * LONGEST]
)
def test_what_is_no_webvtt_or_far_too_much_is_refused(document: str) -> None:
    with pytest.raises(ValueError, match="captions"):
        timed(document)
