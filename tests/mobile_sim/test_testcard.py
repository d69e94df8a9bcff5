"""The test card moves, flashes and is made of numbers only."""

from __future__ import annotations

import numpy as np
import pytest

from mobile_sim import stamp
from mobile_sim.testcard import TestCard, frame_planes

NOW = 1_790_000_000_000


@pytest.mark.parametrize("size", [(1280, 720), (960, 540), (854, 480), (426, 240), (720, 1280)])
def test_every_picture_carries_its_stamp(size: tuple[int, int]) -> None:
    card = TestCard(*size, fps=30)
    for counter in (0, 1, 45, 65_535, 65_536):
        frame = card.draw(counter, NOW + counter)
        assert (frame.width, frame.height, frame.format.name) == (*size, "yuv420p")
        expected = stamp.Stamp(counter % 2**16, (NOW + counter) % 2**40)
        assert stamp.read(frame_planes(frame)[0]) == expected


def test_the_same_numbers_give_the_same_picture() -> None:
    first, second = (TestCard(320, 180, 30).draw(17, NOW) for _ in range(2))
    for one, other in zip(frame_planes(first), frame_planes(second), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_next_picture_is_another_one_below_the_stamp() -> None:
    card = TestCard(320, 180, 30)
    one, other = (frame_planes(card.draw(counter, NOW + 500))[0][20:] for counter in (10, 11))
    assert np.count_nonzero(one != other) > 1000


def test_drawing_leaves_no_trace_on_the_next_picture() -> None:
    used, fresh = TestCard(320, 180, 30), TestCard(320, 180, 30)
    for counter in range(50):
        used.draw(counter, NOW + counter)
    for one, other in zip(
        frame_planes(used.draw(50, NOW + 500)), frame_planes(fresh.draw(50, NOW + 500)), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def white_share(time_ms: int) -> float:
    """How much of the right upper quarter, under the stamp, is white."""
    luma = frame_planes(TestCard(640, 360, 30).draw(0, time_ms))[0]
    return float((luma[40:120, 400:] == stamp.WHITE).mean())


def test_it_flashes_in_the_first_80_ms_of_a_second() -> None:
    assert white_share(NOW) > 0.1
    assert white_share(NOW + 79) > 0.1
    assert white_share(NOW + 80) == 0
    assert white_share(NOW + 999) == 0


@pytest.mark.parametrize("size", [(641, 360), (640, 361), (32, 18), (640, 40)])
def test_a_size_that_cannot_be_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=f"{size[0]}x{size[1]}"):
        TestCard(*size, fps=30)


@pytest.mark.parametrize("fps", [1, 24, 30, 60])
def test_the_ball_stays_in_the_picture_for_a_whole_round(fps: int) -> None:
    card = TestCard(128, 72, fps)
    assert all(card.draw(counter, NOW).width == 128 for counter in range(fps * 7))
