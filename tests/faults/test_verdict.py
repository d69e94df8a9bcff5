"""The table, the exit code and the JSON object: what is missed is seen to be missed."""

from __future__ import annotations

import pytest

from tests.faults.row import Measured, Outcome, Row, Target, shown
from tests.faults.verdict import exit_code, figures, lines
from tests.faults.world import World

FREEZE = Target("freeze", 3, "s")
FRAMES = Target("frames", 60, least=True)


def never(world: World, seed: int) -> Measured:
    raise AssertionError("no verdict runs a row")


ROW = Row("a fault", "family", (FREEZE, FRAMES), never)


def outcome(*values: tuple[float, float], failures: int = 0, not_run: str = "") -> Outcome:
    measured = [Measured({"freeze": freeze, "frames": frames}, "n") for freeze, frames in values]
    return Outcome(ROW, measured, ["TimeoutError: late"] * failures, not_run)


def verdicts(one: Outcome, known: dict[tuple[str, str], str] | None = None) -> list[str]:
    return [line.verdict for line in lines([one], known or {})]


def test_the_worst_seed_counts_in_both_directions() -> None:
    assert verdicts(outcome((1, 90), (3, 60))) == ["ok", "ok"]
    assert verdicts(outcome((1, 90), (3.01, 90))) == ["missed", "ok"]
    assert verdicts(outcome((1, 90), (1, 59))) == ["ok", "missed"]


def test_a_line_shows_worst_and_median() -> None:
    first, second = lines([outcome((1, 90), (2, 80), (9, 70))], {})
    assert first.cells == ("a fault", "freeze: at most 3 s", "9 s", "2 s", "missed")
    assert second.cells == ("a fault", "frames: at least 60", "70", "80", "ok")


def test_a_known_miss_is_named_with_its_reason_and_is_no_failure() -> None:
    known = {("a fault", "freeze"): "nobody looked yet"}
    found = lines([outcome((9, 90))], known)
    assert found[0].cells[-1] == "known miss: nobody looked yet"
    assert exit_code(found, all_must_run=True) == 0
    # It covers that figure only.
    assert exit_code(lines([outcome((9, 1))], known), all_must_run=False) == 1


def test_a_run_that_broke_off_is_a_failure_even_beside_good_ones() -> None:
    found = lines([outcome((1, 90), failures=1)], {})
    assert [line.verdict for line in found] == ["failed", "failed"]
    assert found[0].cells[-1] == "failed: 1 of 2 runs: TimeoutError: late"
    assert exit_code(found, all_must_run=False) == 1


def test_what_could_not_be_tried_is_named_and_counts_where_all_must_run() -> None:
    found = lines([outcome(not_run="missing: root")], {})
    assert found[0].cells == ("a fault", "freeze: at most 3 s", "-", "-", "not run: missing: root")
    assert exit_code(found, all_must_run=False) == 0
    assert exit_code(found, all_must_run=True) == 1


def test_the_json_object_holds_every_value() -> None:
    outcomes = [outcome((1, 90), (4, 80))]
    made = figures(outcomes, lines(outcomes, {}), 2)
    assert made["seeds"] == 2
    rows = made["rows"]
    assert isinstance(rows, list)
    assert rows[0]["row"] == "a fault"
    assert rows[0]["notes"] == ["n", "n"]
    assert [one["values"] for one in rows[0]["targets"]] == [[1, 4], [90, 80]]
    assert [one["verdict"] for one in rows[0]["targets"]] == ["missed", "ok"]


def test_a_cell_is_one_line_of_a_markdown_table() -> None:
    (line, _) = lines([Outcome(ROW, [], ["Broken: a\n| b"])], {})
    assert line.cells[-1] == "failed: 1 of 1 runs: Broken: a / b"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(0, "", "0"), (0.25, "s", "0.25 s"), (12.34, "ms", "12.3 ms"), (1000, "", "1,000")],
)
def test_a_figure_has_as_many_digits_as_mean_something(value: float, unit: str, text: str) -> None:
    assert shown(value, unit) == text
