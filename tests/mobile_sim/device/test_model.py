"""The phone as a body: what costs what, and what the system does when it is hot or empty."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobile_sim.device.coefficients import load
from mobile_sim.device.ladder import LADDER
from mobile_sim.device.model import DeviceModel, Load, Place, Radio
from mobile_sim.device.thermal import AndroidThermal, Thermal
from mobile_sim.encoder import VideoCodec

NUMBERS = load()
TOP = LADDER[0]
STREAMING = Load(TOP, 4_000_000)
OVEN = Place(ambient_c=38, sun_w=6)


def power(load_: Load, codec: VideoCodec = VideoCodec.H264) -> float:
    return DeviceModel(NUMBERS, hardware=frozenset({codec})).step(1, load_).power_w


def heated(load_: Load, until: AndroidThermal) -> DeviceModel:
    model = DeviceModel(NUMBERS, ambient_c=load_.place.ambient_c)
    for _ in range(7200):
        if model.step(1, load_).android >= until:
            return model
    raise AssertionError("it never got so hot")


@pytest.mark.parametrize(
    ("less", "more"),
    [
        (replace(STREAMING, rung=LADDER[3]), STREAMING),
        (STREAMING, replace(STREAMING, hardware=False)),
        (replace(STREAMING, bitrate_bps=1e6), STREAMING),
        (STREAMING, replace(STREAMING, signal=0.2)),
        (replace(STREAMING, radio=Radio.WIFI), STREAMING),
        (replace(STREAMING, radio=Radio.NONE), replace(STREAMING, radio=Radio.WIFI)),
        (replace(STREAMING, brightness=0.3), STREAMING),
        (replace(STREAMING, screen=False), replace(STREAMING, brightness=0)),
        (replace(STREAMING, camera=False), STREAMING),
        (Load(None), STREAMING),
    ],
)
def test_what_costs_more(less: Load, more: Load) -> None:
    assert power(less) < power(more)


def test_vp8_in_software_costs_more_than_h264_in_software() -> None:
    h264 = replace(STREAMING, hardware=False)
    assert power(h264) < power(replace(h264, codec=VideoCodec.VP8))


def test_hardware_is_for_the_codecs_it_has() -> None:
    model = DeviceModel(NUMBERS, hardware=frozenset({VideoCodec.H264}))
    assert model.step(1, STREAMING).hardware_allowed
    assert not model.step(1, replace(STREAMING, codec=VideoCodec.VP8)).hardware_allowed
    assert not DeviceModel(NUMBERS, codec=VideoCodec.VP8).state.hardware_allowed
    claimed = replace(STREAMING, codec=VideoCodec.VP8, hardware=True)
    assert power(claimed) > 1.5 + power(STREAMING), "what is not there cannot be used"


def test_heat_dims_the_screen_and_slows_the_cpu() -> None:
    cool = DeviceModel(NUMBERS).step(1, STREAMING)
    hot = heated(replace(STREAMING, place=OVEN), AndroidThermal.SEVERE).state
    assert hot.brightness < cool.brightness == 1
    assert hot.software_capacity < cool.software_capacity
    assert hot.camera_allowed


def test_critical_stops_the_camera_and_the_encoder_and_cooling_brings_them_back() -> None:
    load_ = replace(STREAMING, place=OVEN)
    model = heated(load_, AndroidThermal.CRITICAL)
    state = model.state
    assert state.thermal is Thermal.CRITICAL
    assert not state.camera_allowed
    assert not state.hardware_allowed
    assert model.step(1, load_).power_w < 3, "whatever the load says"
    for _ in range(3600):
        state = model.step(1, replace(load_, place=Place(ambient_c=20)))
    assert state.camera_allowed
    assert state.hardware_allowed


def test_too_much_heat_switches_the_phone_off_for_good() -> None:
    model = DeviceModel(NUMBERS, ambient_c=40)
    state = model.step(3600, replace(STREAMING, place=Place(ambient_c=50, sun_w=12)))
    assert state.off
    state = model.step(3600, replace(STREAMING, place=Place(ambient_c=20)))
    assert (state.off, state.power_w, state.camera_allowed) == (True, 0, False)


def test_an_empty_battery_switches_it_off() -> None:
    state = DeviceModel(NUMBERS, battery=0.01).step(3600, STREAMING)
    assert (state.off, state.battery, state.brightness) == (True, 0, 0)


def test_low_power_is_said_without_a_charger_only() -> None:
    model = DeviceModel(NUMBERS, battery=0.15)
    assert model.step(1, STREAMING).low_power
    plugged = replace(STREAMING, place=Place(charger_w=10))
    state = model.step(1, plugged)
    assert (state.low_power, state.charging) == (False, True)


def test_a_hot_phone_does_not_charge() -> None:
    load_ = replace(STREAMING, place=replace(OVEN, charger_w=20))
    model = heated(load_, AndroidThermal.SEVERE)
    before = model.state.battery
    assert model.step(10, load_).battery < before


def test_sun_and_charger_heat() -> None:
    def skin(place: Place) -> float:
        return DeviceModel(NUMBERS, battery=0.3).step(600, replace(STREAMING, place=place)).skin_c

    assert skin(Place(sun_w=3)) > skin(Place()) + 1
    assert skin(Place(charger_w=20)) > skin(Place()) + 0.5


@pytest.mark.parametrize("dt_s", [0, -1, 3601, float("nan")])
def test_a_step_that_cannot_be_is_refused(dt_s: float) -> None:
    with pytest.raises(ValueError, match="3600"):
        DeviceModel(NUMBERS).step(dt_s, STREAMING)


PLACES = st.builds(Place, st.floats(-20, 50), st.floats(0, 12), st.floats(0, 20))
LOADS = st.builds(
    Load,
    rung=st.sampled_from([None, *LADDER]),
    bitrate_bps=st.floats(0, 2e7),
    codec=st.sampled_from(VideoCodec),
    hardware=st.booleans(),
    camera=st.booleans(),
    screen=st.booleans(),
    brightness=st.floats(0, 1),
    radio=st.sampled_from(Radio),
    signal=st.floats(0, 1),
    place=PLACES,
)


@settings(max_examples=40, deadline=None)
@given(st.floats(0.01, 1), st.lists(st.tuples(st.floats(0.1, 120), LOADS), max_size=10))
def test_whatever_it_does_it_stays_within_bounds(
    battery: float, steps: list[tuple[float, Load]]
) -> None:
    model = DeviceModel(NUMBERS, battery)
    before = model.state
    for dt_s, load_ in steps:
        state = model.step(dt_s, load_)
        assert 0 <= state.battery <= before.battery, "there is no charger"
        assert -20.1 <= state.skin_c <= 130
        assert -20.1 <= state.chip_c <= 180
        assert 0 <= state.power_w <= 20
        assert 0 <= state.brightness <= load_.brightness
        assert state.off or not before.off
        before = state
