"""One run: a fresh world that ends, a limit in time, failures; and a process of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import table
from tests.faults.attempt import apart, here
from tests.faults.row import Measured, NotRun, Row, Target
from tests.faults.world import World

TARGET = Target("freeze", 1, "s")
Run = Callable[[World, int], Measured]


def row(run: Run, limit_s: float = 10) -> Row:
    return Row("made up", "family", (TARGET,), run, limit_s=limit_s)


def test_each_run_has_a_fresh_world() -> None:
    folders: list[Path] = []

    def run(world: World, seed: int) -> Measured:
        assert list(world.folder.iterdir()) == []
        (world.folder / "left").touch()
        folders.append(world.folder)
        return Measured({"freeze": seed / 2}, "by its seed")

    first, second = here(row(run), 1), here(row(run), 2)
    assert (first.text, second.text) == ("freeze 0.5; by its seed", "freeze 1; by its seed")
    assert len(set(folders)) == 2
    assert not any(folder.exists() for folder in folders)


def test_what_was_begun_ends_last_first_even_when_the_row_fails() -> None:
    ended: list[str] = []

    def run(world: World, seed: int) -> Measured:
        world.at_the_end(lambda: ended.append("server"))
        world.at_the_end(lambda: ended.append("phone"))
        raise TimeoutError("no picture")

    assert here(row(run), 1).text == "FAILED: TimeoutError: no picture"
    assert ended == ["phone", "server"]


def test_a_row_that_hangs_is_broken_off_and_has_failed() -> None:
    def run(world: World, seed: int) -> Measured:
        time.sleep(60)
        raise AssertionError("it was not broken off")

    failure = here(row(run, limit_s=0.05), 1).failure
    assert failure == "TooLong: it did not end within 0.05 s"


@pytest.mark.parametrize("reason", [NotRun("no moon"), pytest.skip.Exception("no moon")])
def test_a_row_that_cannot_be_tried_says_why(reason: BaseException) -> None:
    def run(world: World, seed: int) -> Measured:
        raise reason

    assert here(row(run), 1).text == "not run: no moon"


def test_figures_must_be_those_that_have_targets() -> None:
    failure = here(row(lambda world, seed: Measured({"something else": 1})), 1).failure
    assert failure == "ValueError: figures ['something else'], wanted ['freeze']"


def test_a_run_in_a_process_of_its_own_says_what_it_measured() -> None:
    [hijack] = table.chosen("publisher hijack")
    attempt = apart(hijack, 3)
    assert attempt.seed == 3
    assert attempt.measured is not None, attempt.text
    assert all(target.meets(attempt.measured.figures[target.what]) for target in hijack.targets)


def test_a_process_that_breaks_is_a_run_that_failed() -> None:
    unknown = row(lambda world, seed: Measured({"freeze": 0}))  # no name of the table
    attempt = apart(unknown, 1)
    assert attempt.failure.startswith("its process ended with 1: ")
    assert "ValueError" in attempt.failure
