"""Sound stays in step with the broadcast's time."""

from __future__ import annotations

import random

import pytest

from bridge.track import AAC_FRAME
from bridge.transcode.samples import SampleClock

HOUR_US = 3_600_000_000


def error_ms(clock: SampleClock, time_us: float, samples: int) -> float:
    """How far the end of the unit lies from where it was captured."""
    assert clock.position is not None
    return (clock.position - samples) / 48 - time_us / 1_000


@pytest.mark.parametrize("ppm", [-200, 200])
def test_three_hours_of_a_drifting_sound_card_stay_within_20_ms(ppm: int) -> None:
    """Times come in whole milliseconds, with 2 ms of jitter."""
    chance = random.Random(ppm)
    clock = SampleClock()
    clock.take(0, 960)
    worst, cut = 0.0, 0
    step_us = 20_000 * (1 + ppm / 1_000_000)
    for number in range(1, 3 * HOUR_US // 20_000):
        time_us = number * step_us
        told_us = round(time_us / 1_000 + chance.uniform(-2, 2)) * 1_000
        take = clock.take(told_us, 960)
        cut += take.silence + take.skip
        worst = max(worst, abs(error_ms(clock, time_us, 960)))
    assert worst < 20
    assert cut == 0, "it is stretched, and never cut"


def test_a_steady_source_is_taken_as_it_is() -> None:
    clock = SampleClock()
    takes = [clock.take(number * 20_000, 960) for number in range(1_000)]
    assert all(take.length == 960 and not take.silence and not take.skip for take in takes)


def test_a_lost_unit_becomes_silence_of_its_length() -> None:
    clock = SampleClock()
    clock.take(0, 960)
    assert clock.take(40_000, 960).silence == 960
    assert clock.take(60_000, 960).silence == 0


def test_a_unit_that_comes_twice_is_left_out() -> None:
    clock = SampleClock()
    clock.take(0, 960)
    assert clock.take(0, 960).length == 0
    assert clock.position == 960


def test_a_jump_back_never_takes_back_what_was_made() -> None:
    clock = SampleClock()
    clock.take(1_000_000, 960)
    before = clock.position
    assert before is not None
    for time_us in range(900_000, 1_020_000, 20_000):
        clock.take(time_us, 960)
    assert clock.position is not None
    assert clock.position >= before


def test_it_begins_on_a_frame_with_silence_up_to_the_sound() -> None:
    clock = SampleClock()
    take = clock.take(1_000_000, 960)
    assert take.jump
    assert clock.position is not None
    start = clock.position - take.silence - take.length
    assert start % AAC_FRAME == 0
    assert start + take.silence == 48_000


def test_sound_from_before_the_origin_is_cut_there() -> None:
    clock = SampleClock()
    assert clock.take(-40_000, 960).length == 0
    take = clock.take(-10_000, 960)
    assert (take.skip, take.length) == (480, 480)
    assert clock.position == 480


def test_a_hole_of_more_than_a_second_is_left_open() -> None:
    clock = SampleClock()
    clock.take(0, 960)
    take = clock.take(5_000_000, 960)
    assert take.jump
    assert take.silence < AAC_FRAME


def test_missing_sound_is_silence_up_to_the_picture() -> None:
    clock = SampleClock()
    assert clock.fill(0) == 0
    made = sum(clock.fill(time_us) for time_us in range(0, 10_000_001, 33_333))
    assert clock.position == pytest.approx(480_000, abs=1_700)
    assert made == clock.position


def test_sound_that_comes_after_its_silence_was_made_goes_on_after_it() -> None:
    clock = SampleClock()
    clock.take(0, 960)
    clock.fill(200_000)
    assert clock.take(20_000, 960).length == 0
    assert clock.take(185_000, 960).length == 240
    assert clock.take(205_000, 960).length == 960


def test_after_a_long_nothing_filling_jumps() -> None:
    clock = SampleClock()
    clock.take(0, 960)
    assert clock.fill(HOUR_US) == 0
    assert clock.position is not None
    assert clock.position % AAC_FRAME == 0
