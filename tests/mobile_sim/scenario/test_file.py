"""A scenario file is read whole, or refused with a line for each mistake."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobile_sim.device.model import Radio
from mobile_sim.encoder import VideoCodec
from mobile_sim.scenario.file import Scenario, ScenarioError

SCENARIOS = Path(__file__).parents[3] / "mobile-sim/scenarios"

SMALL = """name: small
duration: 1:00
networks:
  home: {rate: 5M}
"""

FULL = """
name: everything
duration: 2:30
seed: 7
device:
  battery: 0.5
  codec: vp8
  hardware: [h264, vp8]
  brightness: 0.3
  rung: 540p30
place:
  ambient_c: 31
  sun_w: 1
  wind_ms: 2
  charger_w: 5
networks:
  home:
    kind: wifi
    signal: 0.9
    rate: 5M
    delay_ms: 12
    jitter_ms: 3
    loss: 0.01
    burst_loss: 0.02
    burst_packets: 4
    queue_kb: 100
  tube: {generator: tunnel, mean: 3M, length: 60, enter: 20, dark: 5}
start: tube
"""


def parse(text: str, folder: Path = SCENARIOS) -> Scenario:
    return Scenario.parse(text, "a.yaml", folder)


def refusal(text: str, folder: Path = SCENARIOS) -> list[str]:
    with pytest.raises(ScenarioError) as error:
        parse(text, folder)
    return str(error.value).splitlines()


def test_a_small_file_has_defaults() -> None:
    scenario = parse(SMALL)
    now = scenario.conditions(0)
    assert (scenario.duration_s, scenario.start_rung) == (60, "1080p30")
    assert (now.network.name, now.network.kind) == ("home", Radio.CELLULAR)
    assert (now.place.ambient_c, now.outage, now.sound, now.screen) == (25, False, True, True)
    assert scenario.hardware == {VideoCodec.H264}


def test_everything_that_can_be_said_is_taken_over() -> None:
    scenario = parse(FULL)
    now = scenario.conditions(0)
    assert (scenario.seed, scenario.battery, scenario.brightness) == (7, 0.5, 0.3)
    assert (scenario.codec, scenario.start_rung) == (VideoCodec.VP8, "540p30")
    assert now.network.name == "tube"
    assert now.network.trace.rate_bps(20, 5) == 0
    place = now.place
    assert (place.ambient_c, place.sun_w, place.wind_ms, place.charger_w) == (31, 1, 2, 5)
    state = scenario.device().state
    assert (state.battery, state.skin_c) == (0.5, 31)


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.yaml")), ids=lambda path: path.stem)
def test_our_own_scenarios_are_good(path: Path) -> None:
    scenario = Scenario.read(path)
    assert scenario.duration_s >= 60
    assert scenario.conditions(0).network.trace.mean_bps > 100_000


def test_the_example_of_the_readme_is_good(tmp_path: Path) -> None:
    readme = (SCENARIOS.parent / "README.md").read_text("utf-8")
    example = readme.split("```yaml\n")[1].split("```")[0]
    (tmp_path / "bus.trace").write_text("5\n")
    scenario = parse(example, tmp_path)
    assert len(scenario.happenings) >= 8
    assert scenario.conditions(500).network.signal == 0.2


def test_traces_are_read_from_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.trace").write_text("5\n10\n")
    text = SMALL.replace("{rate: 5M}", "{trace: a.trace}")
    assert len(parse(text, tmp_path).conditions(0).network.trace) == 2


@pytest.mark.parametrize(
    ("trace", "reason"),
    [
        ("", "a.yaml:4: bad.trace:1: the trace is empty"),
        ("3\n-4\n", "a.yaml:4: bad.trace:2: -4 is negative"),
        ("3\n2\n", "a.yaml:4: bad.trace:2: 2 comes after 3: time falls"),
    ],
)
def test_a_bad_trace_is_said_with_both_lines(tmp_path: Path, trace: str, reason: str) -> None:
    (tmp_path / "bad.trace").write_text(trace)
    text = SMALL.replace("{rate: 5M}", "{trace: bad.trace}")
    assert refusal(text, tmp_path) == [reason]


def test_a_trace_elsewhere_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.trace").write_text("5\n")
    inner = tmp_path / "inner"
    inner.mkdir()
    for word in ("../a.trace", str(tmp_path / "a.trace")):
        text = SMALL.replace("{rate: 5M}", f"{{trace: {word}}}")
        assert refusal(text, inner) == ["a.yaml:4: a trace lies beside its scenario"]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("name: small\n", "", "a.yaml:1: name is missing"),
        ("duration: 1:00", "duration: .inf", "a.yaml:2: duration is '.inf'; write seconds or 1:30"),
        ("duration: 1:00", "duration: 999999", "a.yaml:2: duration is 999999, not between 1 and"),
        (
            "duration",
            "durration",
            "a.yaml:2: 'durration' is not known here; did you mean duration?",
        ),
        (
            "networks:\n  home: {rate: 5M}",
            "networks: {}",
            "a.yaml:3: there must be 1 to 16 networks",
        ),
        ("networks:\n  home: {rate: 5M}", "", "a.yaml:1: networks is missing"),
        ("home:", '"my home":', "a.yaml:4: a network's name is a short word"),
        ("{rate: 5M}", "{}", "a.yaml:4: a network has one of rate, trace and generator"),
        ("{rate: 5M}", "{rate: 5M, trace: x}", "a network has one of rate, trace and generator"),
        ("{rate: 5M}", "{rate: fast}", "a.yaml:4: rate is 'fast', not a rate"),
        ("{rate: 5M}", "{rate: 1}", "a.yaml:4: rate is 1, not between 12000 and"),
        ("{rate: 5M}", "{rate: 5M, delay: 3}", "'delay' is not known here; did you mean delay_ms?"),
        ("{rate: 5M}", "{rate: 5M, kind: wify}", "kind is 'wify'; did you mean wifi?"),
        ("{rate: 5M}", "{rate: 5M, loss: 1.5}", "loss is 1.5, not between 0 and 1"),
        ("{rate: 5M}", "{generator: lte}", "a.yaml:4: mean is missing"),
        ("{rate: 5M}", "{generator: let, mean: 1M}", "generator is 'let'; did you mean lte?"),
        ("{rate: 5M}", "{trace: none.trace}", "a.yaml:4: none.trace:1: No such file"),
        ("{rate: 5M}", "{rate: 5M}\nstart: hom", "a.yaml:5: start is 'hom'; did you mean home?"),
        ("{rate: 5M}", "{rate: 5M}\ndevice: {battery: 9}", "battery is 9, not between 0.01 and 1"),
        ("{rate: 5M}", "{rate: 5M}\ndevice: {battery: .NaN}", "battery is '.NaN', not a finite"),
        ("{rate: 5M}", "{rate: 5M}\ndevice: {codec: h265}", "codec is 'h265'; did you mean h264?"),
        ("{rate: 5M}", "{rate: 5M}\ndevice: {rung: 4k}", "rung is '4k'; it may be 1080p30, 720p30"),
        ("{rate: 5M}", "{rate: 5M}\ndevice: 3", "a.yaml:5: device must hold keys and values"),
        ("{rate: 5M}", "{rate: 5M}\nplace: {sun_w: 99}", "sun_w is 99, not between 0 and 12"),
    ],
)
def test_a_mistake_is_refused_with_its_line(old: str, new: str, reason: str) -> None:
    assert old in SMALL
    assert any(reason in line for line in refusal(SMALL.replace(old, new)))


def test_all_mistakes_are_said_at_once_in_their_order() -> None:
    text = "name: x\nduration: soon\nseed: -1\nnetworks:\n  home: {rate: 5M, los: 0}\n"
    lines = refusal(text)
    assert [line.split(": ")[0] for line in lines] == ["a.yaml:2", "a.yaml:3", "a.yaml:5"]


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"none.yaml:1: No such file"):
        Scenario.read(tmp_path / "none.yaml")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_damage_is_read_or_refused_with_a_line(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(FULL)))
    cut = data.draw(st.integers(0, 12))
    text = FULL[:at] + data.draw(st.text(max_size=8)) + FULL[at + cut :]
    refused = ""
    try:
        assert parse(text).duration_s >= 1
    except ScenarioError as error:
        refused = str(error)
    assert refused == "" or refused.startswith("a.yaml:")
