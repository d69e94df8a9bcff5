"""A process that waits for its turn, and its two ends of a pipe."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from signaling.reserve import GO, Child, taken_out, wait_for_turn

WAITS = [
    sys.executable,
    "-c",
    "import sys; from signaling.reserve import taken_out, wait_for_turn\n"
    "turn = taken_out(sys.argv)\n"
    "sys.exit(7 if turn is None else 3 if wait_for_turn(turn) else 4)",
]


def open_files() -> set[str]:
    """Our own descriptors; the one that reads the folder is always among them."""
    return {one.name for one in Path("/proc/self/fd").iterdir()}


def test_one_without_a_reserve_runs_at_once() -> None:
    child = Child.start(WAITS)
    assert child.process.wait() == 7
    assert not child.call_up()
    child.dismiss()


def test_a_reserve_runs_when_it_is_called_up() -> None:
    child = Child.start(WAITS, reserve=True)
    assert child.process.poll() is None
    assert child.call_up()
    assert child.process.wait() == 3
    assert not child.call_up(), "that happens once"
    os.close(child.heartbeat)


def test_one_that_is_gone_cannot_be_called_up() -> None:
    before = open_files()
    child = Child.start(WAITS, reserve=True)
    child.process.kill()
    child.process.wait()
    assert not child.call_up()
    child.dismiss()
    assert open_files() == before


def test_one_that_is_dismissed_leaves_nothing_behind() -> None:
    before = open_files()
    child = Child.start(WAITS, reserve=True)
    child.dismiss()
    assert not Path(f"/proc/{child.process.pid}").exists()
    assert open_files() == before


def test_what_cannot_be_run_leaves_nothing_behind() -> None:
    before = open_files()
    with pytest.raises(OSError, match="no-such-program"):
        Child.start(["no-such-program"], reserve=True)
    assert open_files() == before


@pytest.mark.parametrize(("told", "turn"), [(GO, True), (b"x", False), (b"", False)])
def test_a_closed_pipe_is_no_turn(told: bytes, turn: bool) -> None:
    ours, theirs = os.pipe()
    os.write(theirs, told)
    os.close(theirs)
    assert wait_for_turn(ours) is turn


def test_the_option_is_taken_out_of_the_command_line() -> None:
    words = ["sluice", "serve", "--heartbeat-fd", "5", "--reserve-fd", "7", "-c", "own.yaml"]
    assert taken_out(words) == 7
    assert words == ["sluice", "serve", "--heartbeat-fd", "5", "-c", "own.yaml"]
    assert taken_out(words) is None
