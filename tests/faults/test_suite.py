"""The runner: seeds, rows side by side, rows that cannot be tried, and the command."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults import __main__ as command
from tests.faults import suite, table
from tests.faults.known import KNOWN
from tests.faults.row import Attempt, Measured, NotRun, Row, Target
from tests.faults.world import World

TARGET = Target("freeze", 1, "s")
Run = Callable[[World, int], Measured]


def row(run: Run, *needs: str, once: bool = False) -> Row:
    return Row("made up", "family", (TARGET,), run, needs, limit_s=10, once=once)


def direct(one: Row, seed: int) -> Attempt:
    """In the runner's own thread: what a run is otherwise, tests/faults/test_attempt.py tries."""
    try:
        return Attempt(seed, measured=one.run(World(Path()), seed))
    except NotRun as reason:
        return Attempt(seed, not_run=str(reason))


def quiet(text: str) -> None:
    """Nobody listens to the progress."""


def by_seed(world: World, seed: int) -> Measured:
    return Measured({"freeze": seed / 2})


def test_all_seeds_are_run_and_told_of_and_kept_in_their_order() -> None:
    said: list[str] = []
    (outcome,) = suite.run([row(by_seed)], 3, said.append, attempt=direct)
    assert outcome.values(TARGET) == [0.5, 1.0, 1.5]
    assert len(said) == 3
    assert said[0].startswith("[1/3] made up, seed ")


def test_a_row_without_dice_runs_once() -> None:
    (outcome,) = suite.run([row(by_seed, once=True)], 5, quiet, attempt=direct)
    assert outcome.values(TARGET) == [0.5]


def test_a_row_that_cannot_be_tried_says_why_and_is_not_tried_again() -> None:
    runs: list[int] = []

    def run(world: World, seed: int) -> Measured:
        runs.append(seed)
        raise NotRun("missing: a moon")

    rows = [row(run), row(by_seed, "no-such-program")]
    outcomes = suite.run(rows, 3, quiet, attempt=direct, cores=0.5)
    assert [one.not_run for one in outcomes] == ["missing: a moon", "missing: no-such-program"]
    assert runs == [1]


def test_rows_share_the_cores_and_what_wants_them_all_is_alone() -> None:
    whole, busy, light = (
        replace(row(by_seed), name=name, cores=cores)
        for name, cores in (("whole", 2.0), ("busy", 1.2), ("light", 0.5))
    )
    together: list[set[str]] = []
    now: set[str] = set()
    lock, all_in = threading.Lock(), threading.Barrier(2)

    def attempt(one: Row, seed: int) -> Attempt:
        with lock:
            now.add(one.name)
            together.append(set(now))
        if one.name != "whole":
            all_in.wait(10)  # the other one is there: else this breaks
        with lock:
            now.remove(one.name)
        return Attempt(seed, measured=Measured({"freeze": seed}))

    outcomes = suite.run([light, whole, busy], 1, quiet, attempt=attempt, cores=2)
    assert [outcome.values(TARGET) for outcome in outcomes] == [[1], [1], [1]]
    assert together == [{"whole"}, {"busy"}, {"busy", "light"}]


def test_the_largest_that_fits_is_next() -> None:
    runs = [(replace(row(by_seed), cores=cores), 1) for cores in (0.5, 2.0, 1.2)]
    chosen = [suite.fitting(runs, free, alone=False) for free in (2.0, 1.5, 0.8, 0.2)]
    assert [one and one[0].cores for one in chosen] == [2.0, 1.2, 0.5, None]
    assert suite.fitting(runs, 1, alone=True) == runs[1]
    assert suite.fitting([], 2, alone=True) is None


def test_the_command_prints_a_table_and_json_and_fails_where_a_row_got_worse(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(table, "ROWS", (row(by_seed),))
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- faults -->\nold\n<!-- end faults -->\nafter\n", encoding="utf-8")
    monkeypatch.setattr(command, "PAGE", page)
    file = tmp_path / "out.json"
    assert command.main(["--seeds", "2", "--json", str(file), "--store"], direct) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert json.loads(last) == json.loads(file.read_text(encoding="utf-8"))
    assert "| made up | freeze: at most 1 s | 1 s | 0.75 s | ok |" in page.read_text("utf-8")
    assert command.main(["--seeds", "3"], direct) == 1


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
