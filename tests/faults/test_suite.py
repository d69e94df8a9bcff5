"""The runner: fresh worlds that end, limits in time, rows that fail or cannot be tried."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import __main__ as command
from tests.faults import suite, table
from tests.faults.known import KNOWN
from tests.faults.row import Measured, NotRun, Row, Target
from tests.faults.world import World

TARGET = Target("freeze", 1, "s")
Run = Callable[[World, int], Measured]


def row(run: Run, *needs: str, limit_s: float = 10, once: bool = False) -> Row:
    return Row("made up", "family", (TARGET,), run, needs, limit_s, once)


def by_seed(world: World, seed: int) -> Measured:
    return Measured({"freeze": seed / 2})


def test_each_seed_is_a_run_in_a_fresh_world() -> None:
    folders: list[Path] = []

    def run(world: World, seed: int) -> Measured:
        assert list(world.folder.iterdir()) == []
        (world.folder / "left").touch()
        folders.append(world.folder)
        return by_seed(world, seed)

    said: list[str] = []
    (outcome,) = suite.run([row(run)], 3, said.append)
    assert outcome.values(TARGET) == [0.5, 1.0, 1.5]
    assert len(set(folders)) == 3
    assert not any(folder.exists() for folder in folders)
    assert said[0].startswith("[1/1] made up, seed 1: freeze 0.5 (")


def test_a_row_without_dice_runs_once() -> None:
    (outcome,) = suite.run([row(by_seed, once=True)], 5, lambda text: None)
    assert outcome.values(TARGET) == [0.5]


def test_what_was_begun_ends_last_first_even_when_the_row_fails() -> None:
    ended: list[str] = []

    def run(world: World, seed: int) -> Measured:
        world.at_the_end(lambda: ended.append("server"))
        world.at_the_end(lambda: ended.append("phone"))
        raise TimeoutError("no picture")

    (outcome,) = suite.run([row(run)], 2, lambda text: None)
    assert outcome.failures == ["TimeoutError: no picture"] * 2
    assert ended == ["phone", "server"] * 2


def test_a_row_that_hangs_is_broken_off_and_has_failed() -> None:
    def run(world: World, seed: int) -> Measured:
        time.sleep(60)
        raise AssertionError("it was not broken off")

    (outcome,) = suite.run([row(run, limit_s=0.05)], 1, lambda text: None)
    assert outcome.failures == ["TooLong: it did not end within 0.05 s"]


def test_a_row_that_cannot_be_tried_says_why_and_is_not_tried_again() -> None:
    runs: list[int] = []

    def run(world: World, seed: int) -> Measured:
        runs.append(seed)
        raise NotRun("missing: a moon")

    outcomes = suite.run([row(run), row(by_seed, "no-such-program")], 3, lambda text: None)
    assert [one.not_run for one in outcomes] == ["missing: a moon", "missing: no-such-program"]
    assert runs == [1]


def test_figures_must_be_those_that_have_targets() -> None:
    def run(world: World, seed: int) -> Measured:
        return Measured({"something else": 1})

    (outcome,) = suite.run([row(run)], 1, lambda text: None)
    assert outcome.failures == ["ValueError: figures ['something else'], wanted ['freeze']"]


def test_the_command_prints_a_table_and_json_and_fails_where_a_row_got_worse(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(table, "ROWS", (row(by_seed),))
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- faults -->\nold\n<!-- end faults -->\nafter\n", encoding="utf-8")
    monkeypatch.setattr(command, "PAGE", page)
    file = tmp_path / "out.json"
    assert command.main(["--seeds", "2", "--json", str(file), "--store"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert json.loads(last) == json.loads(file.read_text(encoding="utf-8"))
    assert "| made up | freeze: at most 1 s | 1 s | 0.75 s | ok |" in page.read_text("utf-8")
    assert command.main(["--seeds", "3"]) == 1


def test_rows_are_found_by_name_and_family_and_an_unknown_one_lists_them() -> None:
    assert [one.name for one in table.chosen("disk full")] == ["disk full"]
    assert {one.family for one in table.chosen("money")} == {"money"}
    with pytest.raises(ValueError, match="redis: Redis partition of 10 s"):
        table.chosen("no such fault")


def test_names_of_rows_and_figures_differ_and_every_known_miss_is_of_one() -> None:
    names = [one.name for one in table.ROWS]
    assert len(set(names)) == len(names)
    figures = [(one.name, target.what) for one in table.ROWS for target in one.targets]
    assert len(set(figures)) == len(figures)
    assert set(KNOWN) <= set(figures)
    assert all(len(reason) > 20 for reason in KNOWN.values())
