"""Down fast, up slowly; bitrate, size, frame rate, picture: in this order, and for a reason."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobile_sim.device.adaptation import DARK, DIM, SOUND_BPS, Adaptation, Choice, Reason
from mobile_sim.device.coefficients import SHARES, Coefficients, Origin, load, provenance
from mobile_sim.device.ladder import LADDER
from mobile_sim.device.model import DeviceModel, DeviceState, Load, Place
from mobile_sim.device.thermal import AndroidThermal, Thermal

COOL = replace(DeviceModel(load(), 0.9).state, hardware_allowed=True)
FAIR = replace(COOL, android=AndroidThermal.LIGHT)
SERIOUS = replace(COOL, android=AndroidThermal.SEVERE)
CRITICAL = replace(
    COOL, android=AndroidThermal.CRITICAL, camera_allowed=False, hardware_allowed=False
)
PLENTY = 20e6
TURN_S = 0.5


class Phone:
    """An adaptation with a clock."""

    def __init__(self, start: str | None = None, enabled: bool = True) -> None:
        self.adaptation = Adaptation(start=start, enabled=enabled)
        self.now_s = 0.0

    def live(self, seconds: float, state: DeviceState, estimate: float | None) -> list[Choice]:
        choices = []
        for _ in range(max(1, round(seconds / TURN_S))):
            choices.append(self.adaptation.decide(self.now_s, state, estimate))
            self.now_s += TURN_S
        return choices

    def last(self, seconds: float, state: DeviceState, estimate: float | None) -> Choice:
        return self.live(seconds, state, estimate)[-1]


def name(choice: Choice) -> str | None:
    return None if choice.rung is None else choice.rung.name


def test_with_plenty_of_everything_it_is_the_largest_picture_in_hardware() -> None:
    choice = Phone().last(10, COOL, PLENTY)
    assert choice == Choice(LADDER[0], LADDER[0].bitrate, Reason.NONE, hardware=True)


def test_until_something_is_known_the_floor_is_sent() -> None:
    assert Phone().last(1, COOL, None).bitrate == LADDER[0].floor


def test_the_bitrate_gives_in_first_and_at_once() -> None:
    phone = Phone()
    phone.last(5, COOL, PLENTY)
    choice = phone.last(0.5, COOL, 3.2e6)
    assert name(choice) == "1080p30"
    assert choice.bitrate == int(0.9 * 3.2e6 - SOUND_BPS)
    assert choice.reason is Reason.NETWORK


def test_then_the_size_then_the_frame_rate_then_the_picture() -> None:
    phone, seen = Phone(), []
    for estimate in (8e6, 2.4e6, 1.4e6, 900e3, 500e3, 350e3, 200e3, 60e3):
        seen.append(name(phone.last(3, COOL, estimate)))
    assert seen == [*(rung.name for rung in LADDER), None]


def test_a_short_dip_does_not_change_the_size() -> None:
    phone = Phone()
    phone.last(5, COOL, PLENTY)
    dip = phone.live(1, COOL, 1e6)
    assert {name(choice) for choice in dip} == {"1080p30"}
    assert dip[-1].bitrate < 1e6, "but the bitrate follows"
    assert name(phone.last(5, COOL, PLENTY)) == "1080p30"


def test_up_takes_longer_than_down_and_goes_rung_by_rung() -> None:
    phone = Phone()
    phone.last(3, COOL, 600e3)
    down_s = phone.now_s
    names = [name(choice) for choice in phone.live(60, COOL, PLENTY)]
    climbed = list(dict.fromkeys(names))
    assert climbed == ["360p15", "360p30", "540p30", "720p30", "1080p30"]
    assert names.index("1080p30") * TURN_S > 5 * down_s
    assert names.index("360p30") * TURN_S >= 8


def test_a_step_up_that_was_a_mistake_makes_the_next_one_wait_longer() -> None:
    phone = Phone()
    phone.last(3, COOL, 1.4e6)

    def wait_for_720() -> float:
        for turn in range(1000):
            if name(phone.last(TURN_S, COOL, 2.2e6)) == "720p30":
                return turn * TURN_S
        raise AssertionError("it never went up")

    first = wait_for_720()
    assert name(phone.last(3, COOL, 1.4e6)) == "540p30"
    assert wait_for_720() > 1.8 * first


def test_sound_goes_on_alone_and_the_picture_comes_back() -> None:
    phone = Phone()
    silent = phone.last(3, COOL, 50e3)
    assert (silent.rung, silent.bitrate, silent.reason) == (None, 0, Reason.NETWORK)
    assert name(phone.last(4, COOL, PLENTY)) == "180p15"


def test_warmth_caps_the_size_and_heat_takes_it_down_step_by_step() -> None:
    phone = Phone()
    assert name(phone.last(1, FAIR, PLENTY)) == "720p30"
    names = [name(choice) for choice in phone.live(120, SERIOUS, PLENTY)]
    assert list(dict.fromkeys(names)) == ["540p30", "360p30", "360p15"]
    assert names.count("540p30") * TURN_S == 20
    choice = phone.last(600, SERIOUS, PLENTY)
    assert name(choice) == "360p15", "below, hardly anything is saved"
    assert choice.reason is Reason.HEAT
    assert choice.brightness == DARK
    first = Phone().live(40, SERIOUS, PLENTY)
    assert [c.brightness for c in (first[0], first[-1])] == [DIM, DIM], "dim comes before dark"


def test_after_heat_it_waits_long_and_the_screen_comes_first() -> None:
    phone = Phone()
    phone.last(120, SERIOUS, PLENTY)
    calm = phone.live(600, FAIR, PLENTY)
    lit = next(i for i, choice in enumerate(calm) if choice.brightness == 1)
    larger = next(i for i, choice in enumerate(calm) if name(choice) != "360p15")
    assert 100 <= lit * TURN_S < larger * TURN_S
    assert {name(choice) for choice in calm[-10:]} <= {"360p30", "540p30", "720p30"}


def test_a_phone_that_gets_hot_again_waits_longer() -> None:
    phone = Phone()
    phone.last(120, SERIOUS, PLENTY)
    first = next(i for i, c in enumerate(phone.live(300, FAIR, PLENTY)) if c.brightness == 1)
    phone.last(1, SERIOUS, PLENTY)
    again = next(i for i, c in enumerate(phone.live(300, FAIR, PLENTY)) if c.brightness == 1)
    assert again > 1.5 * first


def test_critical_has_no_picture_because_of_heat() -> None:
    choice = Phone().last(1, CRITICAL, PLENTY)
    assert (choice.rung, choice.reason, choice.hardware) == (None, Reason.HEAT, False)


@pytest.mark.parametrize(
    ("battery", "charging", "expected", "reason"),
    [
        (0.5, False, "1080p30", Reason.NONE),
        (0.19, False, "720p30", Reason.BATTERY),
        (0.09, False, "540p30", Reason.BATTERY),
        (0.04, False, "360p30", Reason.BATTERY),
        (0.04, True, "1080p30", Reason.NONE),
    ],
)
def test_a_low_battery_lowers_the_ladder(
    battery: float, charging: bool, expected: str, reason: Reason
) -> None:
    choice = Phone().last(1, replace(COOL, battery=battery, charging=charging), PLENTY)
    assert (name(choice), choice.reason) == (expected, reason)


def test_an_empty_battery_is_said_as_such() -> None:
    dead = replace(COOL, battery=0, off=True, camera_allowed=False)
    assert Phone().last(1, dead, PLENTY).reason is Reason.BATTERY


def test_without_hardware_the_cpu_is_the_bound() -> None:
    slow = replace(COOL, hardware_allowed=False, software_capacity=20e6)
    choice = Phone().last(1, slow, PLENTY)
    assert (name(choice), choice.reason, choice.hardware) == ("540p30", Reason.CPU, False)


def test_the_start_is_the_largest() -> None:
    phone = Phone(start="540p30")
    assert name(phone.last(120, COOL, PLENTY)) == "540p30"
    with pytest.raises(KeyError):
        Adaptation(start="8k")


def test_a_call_takes_the_camera_and_gives_it_back() -> None:
    adaptation = Adaptation()
    assert adaptation.decide(0, COOL, PLENTY, camera=False) == Choice(None, 0, Reason.NONE, True)
    assert name(adaptation.decide(1, COOL, PLENTY)) == "1080p30"


def test_without_adaptation_only_the_bitrate_follows() -> None:
    phone = Phone(enabled=False)
    choice = phone.last(60, replace(SERIOUS, battery=0.03), 1e6)
    assert name(choice) == "1080p30"
    assert choice.bitrate < 1e6
    assert choice.brightness == 1
    assert phone.last(1, CRITICAL, 1e6).rung is None, "the system stops the camera all the same"


def critical_s(numbers: Coefficients, adaptation: bool) -> int:
    """Seconds in critical, of half an hour at 38 degrees in the sun, with a network that is no
    trouble."""
    model, phone = DeviceModel(numbers, 0.9, 38.0), Adaptation(enabled=adaptation)
    sun = Place(ambient_c=38, sun_w=1.5, wind_ms=2.5)
    seconds = 0
    for now_s in range(1800):
        choice = phone.decide(now_s, model.state, PLENTY)
        state = model.step(
            1,
            Load(
                choice.rung,
                choice.bitrate + SOUND_BPS,
                hardware=choice.hardware,
                brightness=choice.brightness,
                signal=0.7,
                place=sun,
            ),
        )
        seconds += state.thermal is Thermal.CRITICAL
    return seconds


@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_assumed_adaptation_is_never_worse(seed: int) -> None:
    rng, numbers = random.Random(seed), load()
    drawn: dict[str, float] = {}
    for field, mark in provenance().items():
        if mark.origin is Origin.ASSUMED:
            value = getattr(numbers, field) * rng.uniform(0.8, 1.2)
            drawn[field] = min(1.0, value) if field in SHARES else value
    numbers = replace(numbers, **drawn)
    adapted, fixed = critical_s(numbers, True), critical_s(numbers, False)
    assert adapted <= fixed
    assert adapted == 0 or adapted < 0.8 * fixed


STATES = st.builds(
    replace,
    st.just(COOL),
    battery=st.floats(0.001, 1),
    charging=st.booleans(),
    android=st.sampled_from(AndroidThermal),
    camera_allowed=st.booleans(),
    hardware_allowed=st.booleans(),
    software_capacity=st.floats(1e6, 1e8),
)
ESTIMATES = st.none() | st.floats(0, 3e7)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 30), STATES, ESTIMATES), min_size=1, max_size=20))
def test_never_above_the_estimate_and_never_two_rungs_up(
    stretches: list[tuple[int, DeviceState, float | None]],
) -> None:
    phone = Phone()
    before: int | None = None
    for turns, state, estimate in stretches:
        # Caps of the battery and the CPU end at once; only heat and network wait.
        choices = phone.live(turns * TURN_S, state, estimate)
        for turn, choice in enumerate(choices):
            if choice.rung is None:
                assert choice.bitrate == 0
                continue
            assert 0 <= choice.bitrate <= choice.rung.bitrate
            if estimate is not None:
                assert choice.bitrate <= estimate, "not even for a moment"
                if turn * TURN_S > 2:
                    fits = choice.bitrate >= choice.rung.floor or choice.rung is LADDER[-1]
                    assert fits, "a size that does not fit is left within 2 s"
            assert state.camera_allowed
            index = LADDER.index(choice.rung.name)
            if turn and before is not None:
                assert index >= before - 1
            before = index


@settings(deadline=None)
@given(st.lists(st.floats(1e5, 1e7), min_size=1, max_size=60))
def test_hotter_is_never_larger(estimates: list[float]) -> None:
    cool, hot = Phone(), Phone()
    for estimate in estimates:
        one, other = cool.last(TURN_S, COOL, estimate), hot.last(TURN_S, SERIOUS, estimate)
        if one.rung is not None and other.rung is not None:
            assert other.rung.pixels_per_second <= one.rung.pixels_per_second
