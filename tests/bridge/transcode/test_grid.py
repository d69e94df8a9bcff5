"""A constant frame rate out of whatever a source sends."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest

from bridge.transcode.grid import FrameGrid, Slot

SLOT_US = 1_000_000 / 30


def grid(rate: int = 30) -> FrameGrid:
    return FrameGrid(rate, 2_000)


def placed(grid: FrameGrid, times_us: Iterable[float]) -> list[Slot]:
    return [slot for time in times_us for slot in grid.place(round(time))]


def indices(slots: Iterable[Slot]) -> list[int]:
    return [slot.index for slot in slots]


def test_a_steady_source_fills_each_slot_once_and_repeats_nothing() -> None:
    slots = placed(grid(), (number * SLOT_US for number in range(300)))
    assert indices(slots) == list(range(300))
    assert not any(slot.repeated for slot in slots)


def test_keyframes_lie_on_multiples_of_the_segment_since_the_origin() -> None:
    slots = placed(grid(), (number * SLOT_US for number in range(17, 200)))
    assert [slot.index for slot in slots if slot.keyframe] == [17, 60, 120, 180]


@pytest.mark.parametrize("rate", [24, 25, 30, 50, 60])
def test_times_of_keyframes_are_exact_in_ticks(rate: int) -> None:
    one = FrameGrid(rate, 2_000)
    slots = placed(one, (number * 1_000_000 / rate for number in range(rate * 5)))
    keyframes = [one.ticks(slot.index, 90_000) for slot in slots if slot.keyframe]
    assert keyframes == [0, 180_000, 360_000]


@pytest.mark.parametrize("phase", [0.0, 0.25, 0.5, 0.75])
def test_jitter_loses_and_repeats_next_to_nothing(phase: float) -> None:
    chance = random.Random(4)
    times = [(number + chance.uniform(-0.3, 0.3) + phase) * SLOT_US for number in range(2_000)]
    one = grid()
    slots = placed(one, times)
    assert one.dropped <= 6
    assert one.repeated <= 6
    assert indices(slots) == list(range(slots[0].index, slots[-1].index + 1))


def test_a_source_of_29_97_repeats_one_picture_in_a_thousand() -> None:
    one = grid()
    placed(one, (number * 1_001_000 / 30 for number in range(5_000)))
    assert 4 <= one.repeated <= 6
    assert one.dropped == 0


def test_whatever_comes_is_shown_within_39_ms_of_its_time() -> None:
    chance = random.Random(5)
    one = grid()
    for number in range(3_000):
        time = (number + chance.uniform(-2, 2)) * SLOT_US
        for slot in one.place(round(time))[-1:]:
            assert abs(slot.index * SLOT_US - time) < 39_000


def test_a_steady_source_is_shown_within_half_a_slot_whatever_its_phase() -> None:
    for phase in range(10):
        one = grid()
        for number in range(100):
            time = (number + phase / 10) * SLOT_US
            for slot in one.place(round(time))[-1:]:
                assert abs(slot.index * SLOT_US - time) <= 0.51 * SLOT_US


@pytest.mark.parametrize("times", [2, 4])
def test_faster_sources_lose_pictures_and_keep_the_rate(times: int) -> None:
    one = grid()
    slots = placed(one, (number * SLOT_US / times for number in range(300 * times)))
    assert indices(slots) in (list(range(300)), list(range(301)))
    assert not any(slot.repeated for slot in slots)


def test_one_picture_a_second_is_repeated_29_times() -> None:
    one = grid()
    slots = placed(one, (number * 1_000_000 for number in range(10)))
    assert indices(slots) == list(range(271))
    assert one.repeated == 270 - 9
    assert not slots[270].repeated


def test_a_still_picture_goes_on_while_there_is_sound() -> None:
    one = grid()
    slots = one.place(0)
    for sound_us in range(0, 10_000_000, 20_000):
        slots += one.fill(sound_us)
    assert indices(slots) == list(range(291))
    assert [slot.index for slot in slots if slot.keyframe] == [0, 60, 120, 180, 240]


def test_before_the_first_picture_nothing_is_made() -> None:
    assert grid().fill(5_000_000) == []


def test_nothing_is_made_before_the_origin() -> None:
    one = grid()
    assert indices(placed(one, [-100_000, -50_000, -1_000, 33_000])) == [0, 1]


def test_a_hole_is_filled_up_to_a_second_and_left_open_beyond() -> None:
    one = grid()
    assert indices(placed(one, [0, 1_000_000])) == list(range(31))
    slots = one.place(2_100_000)
    assert indices(slots) == [63]
    assert slots[0].keyframe, "players begin anew after a gap"


def test_a_pause_of_sound_and_picture_leaves_a_hole_and_no_flood_of_repetitions() -> None:
    one = grid()
    one.place(0)
    slots = one.fill(3_600_000_000)
    assert len(slots) <= 1
    assert one.place(3_600_000_000)[-1].index == 108_000


def test_pictures_that_come_late_teach_patience() -> None:
    """Where the sound is always 400 ms ahead, pictures get their own slots after a while."""
    one = grid()
    repeated = []
    for number in range(300):
        slots = one.fill(round((number + 12) * SLOT_US)) + one.place(round(number * SLOT_US))
        repeated.append(sum(slot.repeated for slot in slots))
    assert sum(repeated[-200:]) == 0


def test_times_that_fall_back_a_little_lose_pictures_but_never_time() -> None:
    one = grid()
    slots = placed(one, [0, SLOT_US, 2 * SLOT_US, 0, SLOT_US, 3 * SLOT_US])
    assert indices(slots) == [0, 1, 2, 3]
    assert one.dropped == 2


def test_a_huge_jump_ahead_costs_one_slot() -> None:
    one = grid()
    one.place(0)
    assert len(one.place(10**15)) == 1


def test_a_wanted_keyframe_comes_with_the_next_slot() -> None:
    one = grid()
    placed(one, [0, SLOT_US])
    one.begin_anew()
    assert one.place(round(2 * SLOT_US))[-1].keyframe


@pytest.mark.parametrize(("rate", "segment_ms"), [(0, 2_000), (30, 0), (-1, 1)])
def test_no_grid_without_a_rate_and_a_segment(rate: int, segment_ms: int) -> None:
    with pytest.raises(ValueError, match="no grid"):
        FrameGrid(rate, segment_ms)


def test_at_the_end_slots_are_filled_up_to_the_sounds_end_and_no_further() -> None:
    grid = FrameGrid(30, 2_000)
    grid.place(0)
    assert [slot.index for slot in grid.end(100_000)] == [1, 2]
    assert grid.end_us == 100_000
    assert grid.end(5_000_000) == []
