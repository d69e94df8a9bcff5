"""Amounts as people read and write them."""

from __future__ import annotations

import pytest

from signaling.amounts import length, moment_us, size


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("83", 83_000_000),
        ("1:23", 83_000_000),
        ("2:34.5", 154_500_000),
        ("1:02:03", 3_723_000_000),
        ("0:00.000001", 1),
        ("90:00", 5_400_000_000),
    ],
)
def test_times_are_read(text: str, us: int) -> None:
    assert moment_us(text) == us


@pytest.mark.parametrize("text", ["", "soon", "1:60", "1:60:00", "-1", "1:2:3:4", "1.", "1,5", "٣"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no time"):
        moment_us(text)


@pytest.mark.parametrize(
    ("ms", "text"), [(0, "0:00"), (7_999, "0:07"), (154_000, "2:34"), (3_723_000, "1:02:03")]
)
def test_lengths_are_written_as_they_are_read(ms: int, text: str) -> None:
    assert length(ms) == text
    assert moment_us(text) == ms // 1_000 * 1_000_000


def test_sizes_have_a_unit() -> None:
    assert size(1_234_567_890) == "1.2 GB"
