"""Heat flows downhill, ends in balance, and is named with hysteresis."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobile_sim.device.coefficients import load
from mobile_sim.device.thermal import AndroidThermal, Body, Thermal, Thermometer

NUMBERS = load()


def settled(chip_w: float, skin_w: float, ambient_c: float, wind_ms: float = 0.0) -> Body:
    body = Body(NUMBERS, ambient_c)
    body.step(4 * 3600, chip_w, skin_w, ambient_c, wind_ms)
    return body


def test_without_power_nothing_changes() -> None:
    body = settled(0, 0, 25)
    assert (body.chip_c, body.skin_c) == (25, 25)


def test_in_balance_what_comes_in_goes_out() -> None:
    body = settled(3, 1, 25)
    assert body.loss_w(25, 0) == pytest.approx(4, rel=1e-3)
    inward = NUMBERS.chip_to_skin_w_per_k * (body.chip_c - body.skin_c)
    assert inward == pytest.approx(3, rel=1e-3)


def test_the_chip_is_warmer_than_the_skin_and_the_skin_than_the_air() -> None:
    body = settled(3, 0, 25)
    assert body.chip_c > body.skin_c > 25


def test_wind_cools_and_sun_warms() -> None:
    still, windy, sunny = settled(3, 0, 25), settled(3, 0, 25, 3.0), settled(3, 2, 25)
    assert windy.skin_c < still.skin_c - 3
    assert sunny.skin_c > still.skin_c + 3


def test_hot_air_warms_a_cold_phone() -> None:
    body = Body(NUMBERS, 10)
    body.step(600, 0, 0, 40, 0)
    assert 10 < body.skin_c < 40


def test_the_skin_takes_minutes_and_the_chip_less() -> None:
    body = Body(NUMBERS, 25)
    body.step(60, 4, 0, 25, 0)
    after_a_minute = body.chip_c - 25, body.skin_c - 25
    body.step(3600, 4, 0, 25, 0)
    at_the_end = body.chip_c - 25, body.skin_c - 25
    assert after_a_minute[1] / at_the_end[1] < 0.15
    assert after_a_minute[0] / at_the_end[0] > 0.2


@settings(max_examples=40, deadline=None)
@given(
    st.floats(-20, 50),
    st.lists(
        st.tuples(
            st.floats(0.01, 900),
            st.floats(0, 12),
            st.floats(0, 15),
            st.floats(0, 20),
        ),
        max_size=12,
    ),
)
def test_temperatures_are_bounded(
    ambient_c: float, steps: list[tuple[float, float, float, float]]
) -> None:
    body = Body(NUMBERS, ambient_c)
    # With the most that comes in for ever, in still air.
    most = Body(NUMBERS, ambient_c)
    most.step(6 * 3600, 12, 15, ambient_c, 0)
    for dt_s, chip_w, skin_w, wind_ms in steps:
        body.step(dt_s, chip_w, skin_w, ambient_c, wind_ms)
        assert ambient_c - 0.01 <= body.skin_c <= most.skin_c + 0.5
        assert ambient_c - 0.01 <= body.chip_c <= most.chip_c + 0.5


def test_a_long_step_is_as_good_as_many_short_ones() -> None:
    one, many = Body(NUMBERS, 25), Body(NUMBERS, 25)
    one.step(300, 4, 1, 25, 1)
    for _ in range(300):
        many.step(1, 4, 1, 25, 1)
    assert one.skin_c == pytest.approx(many.skin_c, abs=0.01)


@pytest.mark.parametrize(
    ("skin_c", "android", "ios"),
    [
        (30, AndroidThermal.NONE, Thermal.NOMINAL),
        (39, AndroidThermal.LIGHT, Thermal.FAIR),
        (43, AndroidThermal.MODERATE, Thermal.FAIR),
        (45, AndroidThermal.SEVERE, Thermal.SERIOUS),
        (46.5, AndroidThermal.CRITICAL, Thermal.CRITICAL),
        (52, AndroidThermal.EMERGENCY, Thermal.CRITICAL),
        (55, AndroidThermal.SHUTDOWN, Thermal.CRITICAL),
    ],
)
def test_both_systems_have_a_word_for_it(
    skin_c: float, android: AndroidThermal, ios: Thermal
) -> None:
    status = Thermometer(NUMBERS).feed(skin_c)
    assert (status, status.thermal) == (android, ios)


def test_a_state_is_left_only_when_it_has_cooled_enough() -> None:
    thermometer = Thermometer(NUMBERS)
    readings = [44.9, 45.0, 44.9, 43.2, 43.0, 44.9, 45.0]
    assert [thermometer.feed(skin_c).thermal.value for skin_c in readings] == [
        "fair",
        "serious",
        "serious",
        "serious",
        "fair",
        "fair",
        "serious",
    ]


@given(st.lists(st.floats(20, 60), min_size=1, max_size=50))
def test_the_hotter_is_never_called_cooler(readings: list[float]) -> None:
    thermometer = Thermometer(NUMBERS)
    before_c, before = 20.0, AndroidThermal.NONE
    for skin_c in readings:
        status = thermometer.feed(skin_c)
        assert (status >= before) if skin_c >= before_c else (status <= before)
        before_c, before = skin_c, status


def test_ranks_follow_the_heat() -> None:
    assert [state.rank for state in Thermal] == [0, 1, 2, 3]
    mapped = [status.thermal.rank for status in AndroidThermal]
    assert mapped == sorted(mapped)
