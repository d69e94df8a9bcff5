"""Events begin, overlap and end when the file says, and each has its words."""

from __future__ import annotations

from pathlib import Path

import pytest

from mobile_sim.scenario.conditions import App
from mobile_sim.scenario.file import Scenario, ScenarioError

HEAD = """
name: a day
duration: 10:00
networks:
  home: {kind: wifi, rate: 10M, loss: 0.01}
  lte: {rate: 5M, signal: 0.6}
"""


def day(*events: str) -> Scenario:
    lines = "".join(f"  - {{{event}}}\n" for event in events)
    return Scenario.parse(f"{HEAD}events:\n{lines}", "day.yaml", Path())


def refusal(*events: str) -> str:
    with pytest.raises(ScenarioError) as error:
        day(*events)
    return str(error.value)


def test_an_outage_lasts_as_long_as_it_says() -> None:
    scenario = day("at: 60, outage: 8")
    outages = [scenario.conditions(at_s).outage for at_s in (59.9, 60, 67.9, 68)]
    assert outages == [False, True, True, False]
    assert [(h.at_s, h.text) for h in scenario.happenings] == [(60, "no network for 8 s")]


def test_overlapping_outages_end_with_the_last() -> None:
    scenario = day("at: 10, outage: 10", "at: 15, outage: 20")
    assert [scenario.conditions(at_s).outage for at_s in (21, 34.9, 35)] == [True, True, False]


def test_a_move_has_a_gap_and_a_new_address() -> None:
    scenario = day('at: "1:00", network: lte, gap: 2')
    before, gap, after = (scenario.conditions(at_s) for at_s in (59, 61, 62))
    assert (before.network.name, gap.network.name, after.network.name) == ("home", "home", "lte")
    assert (before.outage, gap.outage, after.outage) == (False, True, False)
    assert (before.address, gap.address, after.address) == (1, 1, 2)
    assert after.network_since_s == 62
    assert scenario.happenings[0].text == "to lte, a new address"


def test_a_move_may_keep_the_address_and_need_no_gap() -> None:
    scenario = day("at: 60, network: lte, gap: 0, address: same")
    now = scenario.conditions(60)
    assert (now.network.name, now.address, now.outage) == ("lte", 1, False)


def test_a_call_takes_camera_and_microphone() -> None:
    scenario = day("at: 60, call: 30", "at: 200, call: 30, sound: true")
    talking, over, speaker = (scenario.conditions(at_s) for at_s in (60, 90, 210))
    assert (talking.app, talking.sound) == (App.INTERRUPTED, False)
    assert (over.app, over.sound) == (App.FOREGROUND, True)
    assert (speaker.app, speaker.sound) == (App.INTERRUPTED, True)
    assert [h.text for h in scenario.happenings][:2] == ["a call comes in", "the call is over"]


def test_in_the_background_sound_goes_on() -> None:
    scenario = day("at: 60, background: 30", "at: 80, call: 5")
    assert scenario.conditions(70).app is App.BACKGROUND
    assert scenario.conditions(70).sound
    assert scenario.conditions(82).app is App.INTERRUPTED, "a call is before all"
    assert scenario.conditions(86).app is App.BACKGROUND
    assert scenario.conditions(90).app is App.FOREGROUND


def test_a_place_changes_in_what_is_said() -> None:
    scenario = day("at: 60, place: {sun_w: 2}", "at: 90, place: {charger_w: 10, ambient_c: 30}")
    place = scenario.conditions(100).place
    assert (place.ambient_c, place.sun_w, place.wind_ms, place.charger_w) == (30, 2, 0, 10)
    assert scenario.conditions(70).place.charger_w == 0
    assert [h.text for h in scenario.happenings] == ["sun 2 W", "30 C, charger 10 W"]


def test_screen_and_signal() -> None:
    scenario = day("at: 60, screen: false", "at: 70, signal: 0.2", "at: 80, network: lte")
    assert [scenario.conditions(at_s).screen for at_s in (59, 60)] == [True, False]
    assert scenario.conditions(75).network.signal == 0.2
    assert scenario.conditions(90).network.signal == 0.6, "another network, another signal"


def test_more_loss_is_the_same_network_with_the_same_trace() -> None:
    scenario = day("at: 60, loss: 0.2, for: 10", "at: 65, loss: 0.1, for: 20")
    losses = [scenario.conditions(at_s).network.settings.loss for at_s in (59, 60, 66, 71, 86)]
    assert losses == [0.01, 0.2, 0.2, 0.1, 0.01]
    assert scenario.conditions(61).network.trace is scenario.conditions(0).network.trace
    assert scenario.conditions(61).network_since_s == 0


def test_a_network_that_has_not_changed_is_the_same_object() -> None:
    scenario = day("at: 60, loss: 0.2, for: 30", "at: 70, outage: 5", "at: 72, screen: false")
    seen = {id(scenario.conditions(at_s).network) for at_s in (60, 70, 72, 75, 89)}
    assert len(seen) == 1


def test_the_order_in_the_file_does_not_matter() -> None:
    events = ("at: 60, outage: 8", "at: 20, screen: false", "at: 40, network: lte")
    one, other = day(*events), day(*reversed(events))
    assert one.happenings == other.happenings
    for at_s in range(0, 100, 5):
        assert one.conditions(at_s).network.name == other.conditions(at_s).network.name
        assert one.conditions(at_s).outage == other.conditions(at_s).outage


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ("at: 700, outage: 8", "day.yaml:8: at is 700, not between 0 and 600"),
        ("outage: 8", "day.yaml:8: at is missing"),
        ("at: 60", "day.yaml:8: nothing happens; it may be outage, network, background, call"),
        ("at: 60, outage: 8, call: 3", "day.yaml:8: one event a time: outage or call?"),
        ("at: 60, outage: .nan", "day.yaml:8: outage is '.nan'; write seconds or 1:30"),
        ("at: 60, outage: -1", "day.yaml:8: outage is -1, not between 0.1 and 3600"),
        ("at: 60, network: lfe", "day.yaml:8: network is 'lfe'; did you mean lte?"),
        ("at: 60, network: lte, adress: new", "'adress' is not known here; did you mean address?"),
        ("at: 60, place: {sun: 3}", "day.yaml:8: 'sun' is not known here; did you mean sun_w?"),
        ("at: 60, place: 3", "day.yaml:8: place must hold keys and values"),
        ("at: 60, loss: 2", "day.yaml:8: loss is 2, not between 0 and 1"),
        ("at: 60, outtage: 3", "'outtage' is not known here; did you mean outage?"),
    ],
)
def test_a_bad_event_is_refused_with_its_line(event: str, reason: str) -> None:
    assert reason in refusal(event)


def test_events_are_bounded() -> None:
    assert "events has 501 entries, at most 500" in refusal(*(["at: 1, signal: 1"] * 501))
