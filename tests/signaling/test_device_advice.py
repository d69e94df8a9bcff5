"""Advice says what is wrong and one thing to do, keeps to it, and ends when all is well."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.device_advice import FINE, LEAST_BPS, MOST_STEPS, Adviser
from signaling.device_message import (
    DeviceAdvice,
    DeviceBattery,
    DeviceEncoder,
    DeviceNetwork,
    DeviceSignals,
    DeviceSuggestion,
    Level,
    Limit,
    Reason,
    Thermal,
)

HD = DeviceEncoder(width=1280, height=720, fps=30, bitrate=2_500_000)
QHD = DeviceEncoder(width=960, height=540, fps=30, bitrate=1_500_000)


class Streamer:
    """Reports on a virtual clock."""

    def __init__(self) -> None:
        self.adviser = Adviser()
        self.now_ms = 0

    def tell(self, signals: DeviceSignals, *, after_s: float = 1) -> DeviceAdvice:
        self.now_ms += round(after_s * 1_000)
        return self.adviser.advise(signals, self.now_ms)

    def keep_telling(self, signals: DeviceSignals, for_s: int) -> list[DeviceAdvice]:
        """A report a second; each advice that is another one than before."""
        told: list[DeviceAdvice] = []
        for _ in range(for_s):
            advice = self.tell(signals)
            if told[-1:] != [advice]:
                told.append(advice)
        return told


@pytest.fixture
def streamer() -> Streamer:
    return Streamer()


def heat(state: Thermal, encoder: DeviceEncoder | None = HD) -> DeviceSignals:
    return DeviceSignals(thermal=state, encoder=encoder)


def battery(level: float, *, charging: bool | None = False) -> DeviceSignals:
    return DeviceSignals(DeviceBattery(level, charging), encoder=HD)


def line(available_bps: int | None = None, loss: float | None = None) -> DeviceSignals:
    return DeviceSignals(encoder=HD, network=DeviceNetwork(loss=loss, available_bps=available_bps))


def summary(advice: DeviceAdvice) -> tuple[Level, Sequence[Reason]]:
    return advice.level, advice.reasons


def test_nothing_known_is_nothing_to_worry_about(streamer: Streamer) -> None:
    assert streamer.tell(DeviceSignals()) == FINE


@pytest.mark.parametrize(
    ("state", "level"),
    [("nominal", "ok"), ("fair", "ok"), ("serious", "warn"), ("critical", "urgent")],
)
def test_heat(streamer: Streamer, state: Thermal, level: Level) -> None:
    advice = streamer.tell(heat(state))
    assert summary(advice) == (level, [] if level == "ok" else ["heat"])


def test_a_hot_device_is_told_to_send_less_and_how_much(streamer: Streamer) -> None:
    advice = streamer.tell(heat("serious"))
    assert advice.suggest == DeviceSuggestion(540, 30, 1_500_000)
    assert advice.text == (
        "The device is hot. Lower your settings: 540p, 30 frames a second, 1.5 Mbit/s. "
        "Find it some shade."
    )
    assert streamer.tell(heat("critical")).suggest == DeviceSuggestion(360, 30, 800_000)


@pytest.mark.parametrize(
    ("level", "charging", "expected"),
    [
        (0.16, False, "ok"),
        (0.14, False, "warn"),
        (0.14, None, "warn"),
        (0.04, False, "urgent"),
        (0.04, True, "ok"),
    ],
)
def test_battery(streamer: Streamer, level: float, charging: bool | None, expected: Level) -> None:
    assert streamer.tell(battery(level, charging=charging)).level == expected


@pytest.mark.parametrize(
    ("signals", "expected"),
    [
        (line(2_400_000, 0.01), "ok"),
        (line(1_600_000), "warn"),
        (line(800_000), "urgent"),
        (line(loss=0.06), "warn"),
        (line(loss=0.3), "urgent"),
    ],
)
def test_network(streamer: Streamer, signals: DeviceSignals, expected: Level) -> None:
    assert streamer.tell(signals) == FINE  # a moment says nothing
    assert streamer.keep_telling(signals, 5)[-1].level == expected


def test_a_narrow_network_is_not_filled_to_the_brim(streamer: Streamer) -> None:
    advice = streamer.keep_telling(line(1_000_000), 5)[-1]
    assert advice.suggest == DeviceSuggestion(360, 30, 800_000)


def test_an_encoder_that_leaves_out_more_and_more(streamer: Streamer) -> None:
    def tell(dropped: int) -> DeviceAdvice:
        return streamer.tell(
            DeviceSignals(encoder=DeviceEncoder(height=1080, fps=60, bitrate=6_000_000,
                                                dropped=dropped))
        )  # fmt: skip

    assert [tell(1_000 + 6 * n).level for n in range(7)] == ["ok"] * 6 + ["warn"]
    # Half the frames first, then less of a picture.
    assert tell(1_042).suggest == DeviceSuggestion(1080, 30, 4_500_000)
    assert [tell(1_042).level for _ in range(17)] == ["warn"] * 15 + ["ok"] * 2


@pytest.mark.parametrize("dropped", [[5, 5, 5, 5], [900, 3, 3, 3], [0, 1, 2, 2]])
def test_few_frames_and_a_new_encoder_are_no_reason(streamer: Streamer, dropped: list[int]) -> None:
    for count in [n for n in dropped for _ in range(5)]:
        signals = DeviceSignals(encoder=DeviceEncoder(height=720, fps=30, dropped=count))
        assert streamer.tell(signals) == FINE


@pytest.mark.parametrize(("reason", "named"), [("cpu", "cpu"), ("heat", "heat")])
def test_what_the_encoder_says_itself_counts(
    streamer: Streamer, reason: Limit, named: Reason
) -> None:
    encoder = DeviceEncoder(height=720, reason=reason)
    told = streamer.keep_telling(DeviceSignals(encoder=encoder), 7)
    assert summary(told[-1]) == ("warn", [named])


def test_several_reasons_the_worst_first(streamer: Streamer) -> None:
    hot_and_empty = DeviceSignals(DeviceBattery(0.03), thermal="serious", encoder=HD)
    advice = streamer.tell(hot_and_empty)
    assert summary(advice) == ("urgent", ["battery", "heat"])
    assert advice.text.startswith("The battery is almost empty. The device is hot. Lower")
    assert advice.text.endswith("Plug it in. Find it some shade.")


def test_it_does_not_flicker_at_a_threshold(streamer: Streamer) -> None:
    levels = [streamer.tell(battery(0.15 + 0.02 * (-1) ** n)).level for n in range(100)]
    assert levels[1:] == ["warn"] * 99
    states: tuple[Thermal, Thermal] = ("serious", "fair")
    levels = [streamer.tell(heat(states[n % 2])).level for n in range(100)]
    assert set(levels) == {"warn"}


def test_it_ends_after_a_while_of_calm(streamer: Streamer) -> None:
    streamer.tell(heat("serious"))
    told = streamer.keep_telling(heat("fair", QHD), 60)
    assert [one.level for one in told] == ["warn", "ok"]
    assert streamer.tell(battery(0.1)).level == "warn"
    assert streamer.keep_telling(battery(0.1, charging=True), 12)[-1] == FINE


def test_advice_that_is_followed_is_not_given_again_and_again(streamer: Streamer) -> None:
    streamer.tell(heat("serious"))
    met = streamer.tell(heat("serious", QHD))
    assert met.suggest == DeviceSuggestion(540, 30, 1_500_000)
    assert met.text == "The device is hot. Your settings are low already. Find it some shade."
    assert streamer.keep_telling(heat("serious", QHD), 50) == [met]


def test_what_did_not_help_for_a_while_is_not_enough(streamer: Streamer) -> None:
    streamer.tell(heat("serious"))
    told = streamer.keep_telling(heat("serious", QHD), 70)
    assert [one.suggest and one.suggest.height for one in told] == [540, 360]


def test_advice_that_is_not_followed_stays_as_it_is(streamer: Streamer) -> None:
    assert len(streamer.keep_telling(heat("serious"), 600)) == 1


def test_who_goes_up_again_is_told_again(streamer: Streamer) -> None:
    asked = streamer.tell(heat("serious"))
    streamer.tell(heat("serious", QHD))
    assert streamer.tell(heat("serious")) == asked


def test_a_low_battery_asks_for_one_step_and_no_more(streamer: Streamer) -> None:
    low = DeviceSignals(DeviceBattery(0.1), encoder=HD)
    assert streamer.tell(low).suggest == DeviceSuggestion(540, 30, 1_500_000)
    lower = DeviceSignals(DeviceBattery(0.1), encoder=QHD)
    assert {one.suggest for one in streamer.keep_telling(lower, 1_000)} == {
        DeviceSuggestion(540, 30, 1_500_000)
    }


def test_steps_end(streamer: Streamer) -> None:
    """Loss that no smaller picture cures does not take the picture away."""
    advice = streamer.keep_telling(line(loss=0.1), 5)[-1]
    heights: list[int] = []
    for _ in range(600):
        assert advice.suggest is not None
        goal = advice.suggest
        heights.append(goal.height)
        encoder = DeviceEncoder(height=goal.height, fps=goal.fps, bitrate=goal.bitrate)
        advice = streamer.tell(DeviceSignals(encoder=encoder, network=DeviceNetwork(loss=0.1)))
    assert len({*heights}) <= MOST_STEPS
    assert heights[-1] >= 360


def test_an_upright_picture_counts_by_its_shorter_side(streamer: Streamer) -> None:
    upright = DeviceEncoder(width=720, height=1280, fps=30, bitrate=2_500_000)
    assert streamer.tell(heat("serious", upright)).suggest == DeviceSuggestion(540, 30, 1_500_000)


def test_without_an_encoder_there_are_only_words(streamer: Streamer) -> None:
    advice = streamer.tell(heat("serious", None))
    assert advice.suggest is None
    assert advice.text == "The device is hot. Lower your settings. Find it some shade."


def test_the_smallest_picture_gets_fewer_frames(streamer: Streamer) -> None:
    least = DeviceEncoder(width=320, height=180, fps=30, bitrate=250_000)
    assert streamer.tell(heat("serious", least)).suggest == DeviceSuggestion(180, 15, 250_000)


NUMBERS = st.none() | st.integers(0, 16_384)
SIGNALS = st.builds(
    DeviceSignals,
    battery=st.none() | st.builds(
        DeviceBattery, st.none() | st.floats(0, 1), st.none() | st.booleans()
    ),
    thermal=st.sampled_from([None, "nominal", "fair", "serious", "critical"]),
    encoder=st.none() | st.builds(
        DeviceEncoder, width=NUMBERS, height=NUMBERS, fps=st.none() | st.floats(0, 1_000),
        bitrate=st.none() | st.integers(0, 10**11), dropped=NUMBERS,
        reason=st.sampled_from([None, "none", "heat", "cpu"]),
    ),
    network=st.none() | st.builds(
        DeviceNetwork, loss=st.none() | st.floats(0, 1),
        available_bps=st.none() | st.integers(0, 10**11),
    ),
)  # fmt: skip


@given(st.lists(st.tuples(SIGNALS, st.floats(0, 30)), max_size=20))
def test_whatever_is_told_the_goal_only_falls_until_all_is_well(
    reports: list[tuple[DeviceSignals, float]],
) -> None:
    streamer, before = Streamer(), None
    for signals, after_s in reports:
        advice = streamer.tell(signals, after_s=after_s)
        assert (advice.level == "ok") == (advice.reasons == []) == (advice == FINE)
        goal = advice.suggest
        if goal is not None:
            assert goal.height >= 1
            assert goal.fps >= 1
            assert goal.bitrate >= LEAST_BPS
        if goal is not None and before is not None:
            assert goal.height <= before.height
            assert goal.fps <= before.fps
            assert goal.bitrate <= before.bitrate
        before = None if advice == FINE else goal
