"""Rows come in order, add up to figures, and are lines for people and objects for programs."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from mobile_sim.device.adaptation import Reason
from mobile_sim.device.thermal import Thermal
from mobile_sim.scenario.timeline import (
    CAVEAT,
    HEADING,
    Connected,
    Row,
    Timeline,
    clock,
    figures_lines,
    figures_object,
    row_line,
    row_object,
    worth_showing,
)
from tests.mobile_sim.scenario.rows import CALM

HOT = replace(
    CALM, rung=None, height=0, fps=0, thermal=Thermal.CRITICAL, reason=Reason.HEAT, skin_c=46.6
)


def timeline(*rows: Row) -> Timeline:
    return Timeline("a day", True, [replace(row, at_s=i + 1.0) for i, row in enumerate(rows)])


def test_rows_come_in_order() -> None:
    with pytest.raises(ValueError, match="order"):
        Timeline("a day", True, [CALM, CALM])


def test_figures_add_up() -> None:
    rows = [CALM, replace(CALM, rung="540p30", battery=0.49), HOT, HOT, CALM, HOT]
    rows.append(replace(CALM, connected=Connected.RECONNECTING, battery=0.48, restarts=2, posts=1))
    figures = timeline(*rows).figures()
    assert figures.seconds == 7
    assert figures.seconds_without_picture == 4
    assert figures.longest_without_picture_s == 2
    assert figures.seconds_by_thermal == {"nominal": 4, "critical": 3}
    assert figures.seconds_by_rung == {"720p30": 3, "none": 3, "540p30": 1}
    assert figures.rung_changes == 2
    assert figures.highest_skin_c == 46.6
    assert figures.battery_used == pytest.approx(0.02)
    assert (figures.restarts, figures.posts) == (2, 1)
    assert figures.mean_latency_ms == pytest.approx(105.4)


def test_rows_of_a_faster_scenario_stand_for_more_of_it() -> None:
    rows = [replace(CALM, at_s=10.0), replace(HOT, at_s=20.0), replace(CALM, at_s=25.0)]
    figures = Timeline("a day", True, rows).figures()
    assert figures.seconds == 25
    assert figures.seconds_by_thermal == {"nominal": 15, "critical": 10}
    assert figures.longest_without_picture_s == 10


def test_nothing_has_no_figures() -> None:
    with pytest.raises(ValueError, match="nothing happened"):
        timeline().figures()


def test_when_nothing_arrived_the_delay_is_unknown() -> None:
    dark = timeline(replace(CALM, latency_ms=None))
    assert dark.figures().mean_latency_ms is None
    assert "delay unknown" in figures_lines(dark)[-1]


def test_a_row_is_a_line_under_the_heading() -> None:
    line = row_line(replace(CALM, at_s=65.0, reason=Reason.NETWORK, note="to lte"))
    assert line == (
        "  1:05  lte       720p30    30    2580     4000  105 ms    1%     50%   4.2 38.2 C  "
        "nominal   network  to lte"
    )
    for word in ("picture", "kbit/s", "heat"):
        column = HEADING.index(word)
        assert line[column : column + len(word)].strip()


def test_what_is_not_known_is_a_dash() -> None:
    line = row_line(replace(HOT, estimate=None, latency_ms=None))
    assert " - " in line
    assert "None" not in line


def test_people_see_what_changes_and_the_minutes() -> None:
    def shown(**changes: object) -> bool:
        return worth_showing(replace(CALM, at_s=2.0, **changes), CALM)  # type: ignore[arg-type]

    assert worth_showing(CALM, None)
    assert not shown()
    assert shown(note="a call comes in")
    assert shown(rung="540p30")
    assert shown(thermal=Thermal.FAIR)
    assert shown(connected=Connected.RESTARTING)
    assert shown(advice="lower your settings")
    assert worth_showing(replace(CALM, at_s=60.0), replace(CALM, at_s=59.0))


def test_a_row_is_an_object_for_programs() -> None:
    found = json.loads(json.dumps(row_object(CALM)))
    assert found["event"] == "second"
    assert (found["thermal"], found["reason"], found["app"]) == ("nominal", "none", "foreground")
    assert found["bitrate"] == 2_580_000


def test_the_total_says_what_it_is_not() -> None:
    found = json.loads(json.dumps(figures_object(timeline(CALM, HOT))))
    assert (found["event"], found["scenario"], found["adaptation"]) == ("total", "a day", True)
    assert found["about"] == CAVEAT
    assert "never minutes of a real battery" in CAVEAT


def test_the_words_of_the_total() -> None:
    words = "\n".join(figures_lines(timeline(CALM, HOT)))
    assert "with adaptation, 0:02" in words
    assert "without picture 0:01" in words
    assert "critical 0:01" in words


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (61.9, "1:01"), (3600, "60:00")])
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text
