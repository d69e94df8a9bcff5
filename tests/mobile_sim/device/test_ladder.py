"""The ladder falls in every respect, and finds the rung that fits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobile_sim.device.ladder import LADDER, Ladder, Rung

TOP = Rung("top", 1280, 720, 30, 2_000_000, 1_000_000)


def test_the_ladder_goes_from_1080p30_to_180p15() -> None:
    assert [rung.name for rung in LADDER][:: len(LADDER) - 1] == ["1080p30", "180p15"]


def test_the_size_falls_before_the_frame_rate_and_then_again() -> None:
    assert [(rung.height, rung.fps) for rung in LADDER] == [
        (1080, 30),
        (720, 30),
        (540, 30),
        (360, 30),
        (360, 15),
        (270, 15),
        (180, 15),
    ]


def test_all_sizes_are_even_and_wide() -> None:
    for rung in LADDER:
        assert rung.width % 2 == 0 == rung.height % 2
        assert rung.width * 9 == rung.height * 16


@pytest.mark.parametrize(
    "rungs",
    [
        [],
        [TOP, TOP],
        [TOP, Rung("more pixels", 1920, 1080, 30, 1_500_000, 500_000)],
        [TOP, Rung("more bits", 640, 360, 30, 2_500_000, 500_000)],
        [TOP, Rung("higher floor", 640, 360, 30, 1_800_000, 1_200_000)],
        [TOP, Rung("faster", 640, 360, 60, 1_500_000, 500_000)],
        [Rung("no floor", 640, 360, 30, 1_000_000, 0)],
        [Rung("floor above", 640, 360, 30, 1_000_000, 1_000_001)],
    ],
)
def test_what_is_no_ladder_is_refused(rungs: list[Rung]) -> None:
    with pytest.raises(ValueError, match=r"ladder|floor|below"):
        Ladder(rungs)


def test_a_rung_is_found_by_its_name() -> None:
    assert LADDER[LADDER.index("540p30")].width == 960
    with pytest.raises(KeyError):
        LADDER.index("4k60")


@pytest.mark.parametrize(
    ("bitrate", "name"),
    [
        (9e9, "1080p30"),
        (2_500_000, "1080p30"),
        (2_499_999, "720p30"),
        (400_000, "360p15"),
        (0, "180p15"),
    ],
)
def test_a_bitrate_carries_the_rung_whose_floor_it_reaches(bitrate: float, name: str) -> None:
    assert LADDER[LADDER.fitting(bitrate)].name == name


@pytest.mark.parametrize(
    ("pixels", "name"), [(62_208_000, "1080p30"), (62_207_999, "720p30"), (1, "180p15")]
)
def test_pixels_a_second_are_a_bound(pixels: float, name: str) -> None:
    assert LADDER[LADDER.within(pixels)].name == name


@given(st.floats(0, 1e8), st.floats(0, 1e8))
def test_more_bits_never_carry_less(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert LADDER.fitting(high) <= LADDER.fitting(low)
