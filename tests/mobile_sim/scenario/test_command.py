"""`mobile-sim run` plays, prints, draws, and refuses what cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mobile_sim.cli import app
from mobile_sim.scenario import live
from mobile_sim.scenario.timeline import CAVEAT, Timeline

SHORT = """name: a short day
duration: 20
networks:
  home: {rate: 5M}
events:
  - {at: 5, call: 5}
"""
URL = "http://127.0.0.1:9/whip/demo"


@pytest.fixture
def short(tmp_path: Path) -> str:
    path = tmp_path / "short.yaml"
    path.write_text(SHORT)
    return str(path)


def run(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["run", *words])
    return result.exit_code, result.stdout, result.stderr


def test_it_prints_a_table_for_people(short: str) -> None:
    code, out, _ = run(short, "--virtual")
    assert code == 0
    assert "a short day" in out
    assert CAVEAT in out
    assert "assumed" in out
    assert "a call comes in" in out
    assert "with adaptation, 0:20" in out


def test_it_prints_objects_for_programs(short: str) -> None:
    code, out, _ = run(short, "--virtual", "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [row["event"] for row in rows] == ["second"] * 20 + ["total"]
    assert rows[-1]["adaptation"] is True


def test_both_are_played_and_drawn(short: str, tmp_path: Path) -> None:
    picture = tmp_path / "both.png"
    code, out, _ = run(short, "--virtual", "--both", "--plot", str(picture), "--json")
    totals = [json.loads(line) for line in out.splitlines() if '"total"' in line]
    assert code == 0
    assert [total["adaptation"] for total in totals] == [True, False]
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_adaptation_can_be_left_out(short: str) -> None:
    _, out, _ = run(short, "--virtual", "--no-adaptation")
    assert "without adaptation, 0:20" in out


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--virtual", URL],
        ["--virtual", "--both", "--no-adaptation"],
        [URL, "--both"],
        ["--virtual", "--plot", "/no/such/folder/a.png"],
        ["nowhere"],
        ["--virtual", "--speed", "0"],
    ],
)
def test_wrong_words_end_with_code_2(short: str, words: list[str]) -> None:
    assert run(short, *words)[0] == 2


def test_a_bad_file_ends_with_code_1_and_every_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("name: x\ndurration: 5\nnetworks:\n  home: {rate: .nan}\n")
    code, out, err = run(str(path), "--virtual")
    assert (code, out) == (1, "")
    assert err.splitlines() == [
        "bad.yaml:1: duration is missing",
        "bad.yaml:2: 'durration' is not known here; did you mean duration?",
        "bad.yaml:4: rate is '.nan', not a rate; write 800k or 2.5M",
    ]


def test_against_a_server_it_hands_everything_on(
    short: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[live.LiveSettings] = []

    async def play(
        scenario: object, settings: live.LiveSettings, stop: object, show: object
    ) -> Timeline:
        seen.append(settings)
        return Timeline("a short day", settings.adaptation)

    monkeypatch.setattr(live, "play", play)
    words = [URL, "--key", "k", "--speed", "10", "--watch", "--token", "t", "--no-adaptation"]
    assert run(short, *words)[0] == 0
    settings = seen[0]
    assert (settings.url, settings.key, settings.token) == (URL, "k", "t")
    assert (settings.speed, settings.watch, settings.adaptation) == (10, True, False)
