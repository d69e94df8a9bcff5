"""The battery gives what is drawn, takes what a charger offers, and never rises by itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobile_sim.device.battery import Battery
from mobile_sim.device.coefficients import load

NUMBERS = load()


def test_an_hour_takes_its_watt_hours() -> None:
    battery = Battery(NUMBERS, 1.0)
    battery.step(3600, 4.0, 0)
    used_wh = (1 - battery.level) * NUMBERS.battery_wh
    assert used_wh == pytest.approx(4.0 / NUMBERS.battery_efficiency)


def test_it_ends_at_empty() -> None:
    battery = Battery(NUMBERS, 0.01)
    battery.step(36_000, 10, 0)
    assert battery.level == 0


def test_a_charger_feeds_the_phone_first() -> None:
    battery = Battery(NUMBERS, 0.5)
    battery.step(60, 5.0, 3.0)
    assert battery.level < 0.5, "a charger that is too weak only slows the fall"
    level = battery.level
    battery.step(60, 2.0, 15.0)
    assert battery.level > level


def test_a_full_cell_takes_nothing_and_makes_no_heat_of_it() -> None:
    battery = Battery(NUMBERS, 1.0)
    lost = battery.step(60, 2.0, 20.0)
    assert battery.level == 1.0
    assert lost == pytest.approx(2.0 / NUMBERS.battery_efficiency - 2.0)


def test_charging_heats_and_slows_down_when_nearly_full() -> None:
    half, nearly = Battery(NUMBERS, 0.5), Battery(NUMBERS, 0.95)
    assert half.step(1, 0.0, 10.0) > nearly.step(1, 0.0, 10.0) > 0
    assert half.level - 0.5 > nearly.level - 0.95 > 0


@pytest.mark.parametrize("level", [-0.1, 1.1, float("nan")])
def test_a_level_that_cannot_be_is_refused(level: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Battery(NUMBERS, level)


@given(
    st.floats(0, 1),
    st.lists(st.tuples(st.floats(0.01, 600), st.floats(0, 15)), max_size=20),
)
def test_it_never_rises_without_a_charger(level: float, draws: list[tuple[float, float]]) -> None:
    battery = Battery(NUMBERS, level)
    for dt_s, watts in draws:
        before = battery.level
        lost = battery.step(dt_s, watts, 0)
        assert 0 <= battery.level <= before
        assert lost >= 0


@given(st.floats(0, 1), st.floats(0.01, 600), st.floats(0, 15), st.floats(0, 60))
def test_energy_is_not_made(level: float, dt_s: float, drawn: float, charger: float) -> None:
    battery = Battery(NUMBERS, level)
    lost = battery.step(dt_s, drawn, charger)
    gained = (battery.level - level) * NUMBERS.battery_wh * 3600 / dt_s
    assert drawn + lost + gained <= max(charger, drawn + lost) + 1e-6
