"""Simulated days: the same every time, and adaptation is what keeps the phone on air in the sun."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mobile_sim.device.adaptation import Reason
from mobile_sim.device.ladder import LADDER
from mobile_sim.device.thermal import Thermal
from mobile_sim.scenario.conditions import App
from mobile_sim.scenario.file import Scenario
from mobile_sim.scenario.timeline import Connected, Row, Timeline
from mobile_sim.scenario.virtual import play

SCENARIOS = Path(__file__).parents[3] / "mobile-sim/scenarios"


@cache
def played(name: str, adaptation: bool) -> Timeline:
    return play(Scenario.read(SCENARIOS / f"{name}.yaml"), adaptation)


def parsed(text: str, duration: str = "1:00") -> Scenario:
    head = f"name: a day\nduration: {duration}\n"
    return Scenario.parse(head + text, "a.yaml", SCENARIOS)


def between(timeline: Timeline, start_s: float, end_s: float) -> list[Row]:
    return [row for row in timeline if start_s < row.at_s <= end_s]


def test_half_an_hour_at_25_degrees_does_not_get_critical() -> None:
    figures = played("desk25", True).figures()
    assert figures.seconds == 1800
    assert set(figures.seconds_by_thermal) <= {"nominal", "fair"}
    assert figures.seconds_without_picture == 0


def test_in_the_sun_at_38_degrees_adaptation_keeps_the_phone_on_air() -> None:
    timeline = played("sun38", True)
    figures = timeline.figures()
    assert figures.seconds == 1800
    assert "critical" not in figures.seconds_by_thermal
    assert figures.seconds_without_picture == 0
    assert figures.seconds_by_thermal["serious"] > 60, "it was hot, and something was done"
    assert timeline.rows[-1].reason is Reason.HEAT
    assert timeline.rows[-1].height < 720


def test_in_the_sun_at_38_degrees_without_adaptation_the_camera_stops() -> None:
    figures = played("sun38", False).figures()
    assert figures.seconds_by_thermal["critical"] > 60
    assert figures.seconds_without_picture > 60
    assert set(figures.seconds_by_rung) == {"1080p30", "none"}
    notes = " ".join(row.note for row in played("sun38", False))
    assert "too hot: the system stops the camera" in notes
    assert "the camera may be used again" in notes


def test_a_day_is_the_same_every_time_and_another_with_another_seed() -> None:
    text = "seed: {}\nnetworks:\n  lte: {{generator: lte, mean: 2M, loss: 0.02, jitter_ms: 9}}\n"
    one, again, other = (play(parsed(text.format(seed))) for seed in (1, 1, 2))
    assert one.rows == again.rows
    assert one.rows != other.rows


def test_rows_are_shown_as_they_come() -> None:
    seen: list[Row] = []
    timeline = play(parsed("networks:\n  home: {rate: 5M}\n", "5"), show=seen.append)
    assert seen == timeline.rows
    assert [row.at_s for row in seen] == [1, 2, 3, 4, 5]


def test_the_bitrate_follows_the_trace() -> None:
    def sent(rate: str) -> float:
        rows = between(play(parsed(f"networks:\n  home: {{rate: {rate}}}\n", "2:00")), 60, 120)
        return sum(row.bitrate for row in rows) / len(rows)

    assert 250_000 < sent("500k") < 500_000
    assert 1_000_000 < sent("2M") < 2_000_000
    assert sent("20M") == pytest.approx(4_080_000, rel=0.02)


def test_on_a_steady_link_the_queue_stays_short() -> None:
    rows = between(play(parsed("networks:\n  home: {rate: 2M, delay_ms: 20}\n", "2:00")), 30, 120)
    delays = [row.latency_ms for row in rows if row.latency_ms is not None]
    assert len(delays) == 90
    assert sum(delays) / len(delays) < 300


def test_a_worse_link_makes_a_smaller_picture() -> None:
    text = """networks:
  good: {rate: 20M}
  bad: {rate: 600k}
events:
  - {at: 60, network: bad, gap: 0}
"""
    timeline = play(parsed(text, "2:00"))
    assert timeline.rows[50].rung == "1080p30"
    assert timeline.rows[-1].height <= 360
    assert timeline.rows[-1].reason is Reason.NETWORK


def test_an_outage_is_found_and_got_over() -> None:
    text = "networks:\n  home: {rate: 5M}\nevents:\n  - {at: 20, outage: 6}\n"
    timeline = play(parsed(text))
    during, after = between(timeline, 21, 25), between(timeline, 40, 60)
    assert all(row.loss == 1 or row.bitrate == 0 for row in during)
    assert all(row.latency_ms is None and row.capacity == 0 for row in during)
    assert {row.connected for row in after} == {Connected.LIVE}
    assert timeline.rows[-1].restarts == 1
    assert timeline.rows[-1].posts == 0


def test_a_long_outage_needs_a_new_session() -> None:
    text = "networks:\n  home: {rate: 5M}\nevents:\n  - {at: 20, outage: 40}\n"
    timeline = play(parsed(text, "2:00"))
    assert timeline.rows[-1].posts == 1
    assert timeline.rows[-1].connected is Connected.LIVE
    assert any("session lost" in row.note for row in timeline)


def test_a_new_address_costs_a_second() -> None:
    text = """networks:
  home: {kind: wifi, rate: 5M}
  lte: {rate: 5M}
events:
  - {at: 20, network: lte, gap: 0.5}
"""
    timeline = play(parsed(text))
    assert timeline.rows[-1].restarts == 1
    dark = [row for row in timeline if row.connected is not Connected.LIVE]
    assert len(dark) <= 2
    assert timeline.rows[-1].network == "lte"


def test_a_call_stops_the_camera_and_the_background_leaves_the_sound() -> None:
    text = """networks:
  home: {rate: 5M}
events:
  - {at: 10, call: 10}
  - {at: 30, background: 10}
"""
    timeline = play(parsed(text))
    call, background, after = (between(timeline, a, a + 8) for a in (11, 31, 42))
    assert {(row.rung, row.app) for row in call} == {(None, App.INTERRUPTED)}
    assert {row.bitrate for row in call} == {0}
    assert {(row.rung, row.app) for row in background} == {(None, App.BACKGROUND)}
    assert all(60_000 < row.bitrate < 100_000 for row in background)
    assert all(row.rung is not None for row in after)
    assert call[-1].power_w < after[-1].power_w - 0.5


def test_a_charger_fills_the_battery_and_nothing_else_does() -> None:
    text = """device: {battery: 0.5}
networks:
  home: {kind: wifi, rate: 5M}
events:
  - {at: 30, place: {charger_w: 20}}
"""
    levels = [row.battery for row in play(parsed(text))]
    assert levels[:29] == sorted(levels[:29], reverse=True)
    assert levels[31:] == sorted(levels[31:])
    assert levels[-1] > levels[30]


def test_a_battery_that_ends_ends_the_show() -> None:
    text = "device: {battery: 0.01}\nnetworks:\n  home: {rate: 5M}\n"
    timeline = play(parsed(text, "5:00"))
    assert timeline.rows[-1].rung is None
    assert timeline.rows[-1].reason is Reason.BATTERY
    assert (timeline.rows[-1].bitrate, timeline.rows[-1].power_w) == (0, 0)
    assert any("the phone shuts down" in row.note for row in timeline)


def test_software_that_is_too_slow_leaves_pictures_out_without_adaptation() -> None:
    text = """device: {codec: vp8, rung: 1080p30}
place: {ambient_c: 40, sun_w: 4}
networks:
  home: {rate: 8M}
"""
    fixed = play(parsed(text, "5:00"), adaptation=False)
    hot = [row for row in fixed if row.thermal is Thermal.SERIOUS and row.rung]
    assert hot
    assert min(row.fps for row in hot) < 30
    adapted = play(parsed(text, "5:00"))
    full = {rung.name: rung.fps for rung in LADDER}
    late = [row for row in adapted if row.rung is not None and row.at_s > 30]
    assert sum(row.fps < full[row.rung or ""] for row in late) <= 3, "a second at a step at most"


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.integers(0, 1000),
    st.sampled_from(["lte", "wifi", "handover"]),
    st.integers(150, 8000),
    st.floats(0, 0.1),
    st.integers(-10, 45),
    st.booleans(),
)
def test_whatever_the_day_the_rules_hold(
    seed: int, kind: str, kbps: int, loss: float, ambient: int, adaptation: bool
) -> None:
    text = (
        f"seed: {seed}\nplace: {{ambient_c: {ambient}}}\nnetworks:\n"
        f"  net: {{generator: {kind}, mean: {kbps}k, loss: {loss:.3f}, length: 60}}\n"
    )
    over = 0
    before: Row | None = None
    for row in play(parsed(text, "1:30"), adaptation):
        assert before is None or row.battery <= before.battery, "there is no charger"
        assert ambient - 1 <= row.skin_c <= 80
        assert 0 <= row.loss <= 1
        assert row.latency_ms is None or row.latency_ms > 0
        assert row.target <= LADDER[0].bitrate
        # The second's bits may be of an estimate that has just fallen, not for long.
        above = row.estimate is not None and row.bitrate > 1.25 * row.estimate + 200_000
        over = over + 1 if above else 0
        assert over <= 3, "never above the estimate for long"
        before = row
