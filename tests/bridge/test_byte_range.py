"""The Range header."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.byte_range import NotSatisfiable, byte_range


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("bytes=0-3", (0, 4)),
        ("bytes=3-", (3, 10)),
        ("bytes=0-99", (0, 10)),
        ("bytes=-4", (6, 10)),
        ("bytes=-99", (0, 10)),
        ("bytes= 1-1 ", (1, 2)),
    ],
)
def test_one_range_is_cut_to_what_is_there(header: str, found: tuple[int, int]) -> None:
    assert byte_range(header, 10) == found


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes=",
        "bytes=-",
        "bytes=5-2",
        "bytes=a-b",
        "bytes=0-1,3-4",
        "bytes=" + ",".join(["0-0"] * 1_000),
        "items=0-1",
        "Bytes=0-1",
        "bytes=0x1-2",
        "bytes=" + "1" * 200 + "-",
    ],
)
def test_anything_else_gets_the_whole(header: str | None) -> None:
    assert byte_range(header, 10) is None


@pytest.mark.parametrize(("header", "size"), [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=0-", 0)])
def test_a_range_behind_the_end_cannot_be_had(header: str, size: int) -> None:
    with pytest.raises(NotSatisfiable):
        byte_range(header, size)


@given(st.text(), st.integers(min_value=0, max_value=1_000))
def test_what_is_cut_lies_inside(tail: str, size: int) -> None:
    try:
        found = byte_range(f"bytes={tail}", size)
    except NotSatisfiable:
        return
    assert found is None or 0 <= found[0] < found[1] <= size
