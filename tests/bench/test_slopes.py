"""The slope of a series, and what it is taken for."""

from __future__ import annotations

import random

import pytest

from tests.bench.slopes import LEAST, Slope, buckets, second_half, slope_of, verdict

TIMES = [10.0 * number for number in range(120)]


def noisy(per_hour: float, spread: float, seed: int = 1) -> list[float]:
    chance = random.Random(seed)
    return [1000 + per_hour * at / 3600 + chance.gauss(0, spread) for at in TIMES]


def test_a_straight_line_has_its_slope_and_no_doubt() -> None:
    found = slope_of(TIMES, [5 + at / 100 for at in TIMES])
    assert found is not None
    assert (found.per_hour, found.low, found.high) == pytest.approx((36.0, 36.0, 36.0))
    assert found.samples == 120


@pytest.mark.parametrize("per_hour", [-50.0, 0.0, 80.0])
def test_the_interval_holds_the_truth_19_times_of_20(per_hour: float) -> None:
    held = 0
    for seed in range(60):
        found = slope_of(TIMES, noisy(per_hour, 5.0, seed))
        assert found is not None
        held += found.low <= per_hour <= found.high
    assert held >= 52


def test_wild_samples_change_little() -> None:
    values = noisy(100.0, 1.0)
    for at in range(0, 120, 9):
        values[at] += 5_000
    found = slope_of(TIMES, values)
    assert found is not None
    assert found.per_hour == pytest.approx(100.0, abs=15)


def test_what_creeps_knows_less_than_as_many_samples_that_jump() -> None:
    chance = random.Random(3)
    wandering, at = [], 0.0
    for _ in TIMES:
        at = 0.97 * at + chance.gauss(0, 1)
        wandering.append(at)
    jumping = wandering[:]
    chance.shuffle(jumping)
    slow, quick = slope_of(TIMES, wandering), slope_of(TIMES, jumping)
    assert slow is not None
    assert quick is not None
    assert slow.high - slow.low > 2 * (quick.high - quick.low)


def test_a_constant_is_flat() -> None:
    found = slope_of(TIMES, [7.0] * 120)
    assert found == Slope(0.0, 0.0, 0.0, 120)
    assert verdict(found, 0.0) == "flat"


def test_too_few_samples_have_no_slope() -> None:
    few = TIMES[: LEAST - 1]
    assert slope_of(few, few) is None
    assert slope_of([1.0] * LEAST, [2.0] * LEAST) is None
    assert verdict(None, 1.0) == "too few samples"


@pytest.mark.parametrize(
    ("slope", "said"),
    [
        (Slope(1.0, 0.5, 2.0, 9), "flat"),
        (Slope(-9.0, -10.0, -8.0, 9), "flat"),
        (Slope(1.0, 0.5, 2.1, 9), "not sure"),
        (Slope(4.0, 2.1, 5.0, 9), "grows"),
    ],
)
def test_a_verdict_is_about_the_whole_interval(slope: Slope, said: str) -> None:
    assert verdict(slope, 48.0) == said


def test_the_first_half_is_left_out() -> None:
    assert second_half([0.0, 1.0, 5.0, 9.0, 10.0], [1.0, 2.0, 3.0, 4.0, 5.0]) == (
        [5.0, 9.0, 10.0],
        [3.0, 4.0, 5.0],
    )
    assert second_half([], []) == ([], [])


def test_a_picture_gets_the_median_of_each_stretch() -> None:
    found = buckets([0.0, 1.0, 2.0, 3.0, 4.0], [1.0, 9.0, 2.0, 5.0, 7.0], 2)
    assert found == [(1.0, 2.0), (3.5, 6.0)]
    assert buckets([], [], 4) == []
