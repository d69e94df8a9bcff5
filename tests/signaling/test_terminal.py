"""What commands share."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer

from recorder.catalog.measured import Measured
from recorder.jobs.queue import QueueDown
from recorder.recording import NotARecording
from signaling import terminal
from sluice.database import DatabaseDown
from sluice.errors import Problem
from tests.recorder.catalog.world import measured


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Problem("channel-unknown", "There is no such one."), "There is no such one. Check the"),
        (DatabaseDown("away"), "The catalog cannot be used: away"),
        (QueueDown("away"), "The job queue cannot be used: away"),
        (NotARecording("no [bold]index[/]"), "no [bold]index[/]"),
        (OSError(28, "No space left"), "No space left"),
    ],
)
def test_what_fails_ends_with_code_1_and_a_sentence(
    error: Exception, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async def work() -> None:
        raise error

    with pytest.raises(typer.Exit) as ended:
        terminal.run(work())
    assert ended.value.exit_code == 1
    said = capsys.readouterr()
    assert said.err.startswith("Error: ")
    assert words in said.err
    assert said.out == ""


def test_a_fault_of_ours_is_not_hidden() -> None:
    async def work() -> None:
        raise KeyError("slip")

    with pytest.raises(KeyError):
        terminal.run(work())


def test_a_long_sentence_stays_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.say("long " * 100)
    terminal.note("long " * 100)
    said = capsys.readouterr()
    assert (said.out.count("\n"), said.err.count("\n")) == (1, 1)


def test_json_is_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    one: Measured = measured("live-1")
    terminal.say_json([one])
    assert json.loads(capsys.readouterr().out)[0]["id"] == "live-1"


def test_bars_leave_nothing_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with terminal.bars() as progress:
        progress.update(progress.add_task("work", total=1), completed=1)
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "")


def test_settings_that_are_wrong_end_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit):
        terminal.settings_of(tmp_path / "gone.yaml")
    assert "gone.yaml" in capsys.readouterr().err
