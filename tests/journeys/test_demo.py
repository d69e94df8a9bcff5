"""`sluice demo`, as `make run` starts it: one command, a page that plays, one Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.journeys.server import clean_environment, free_ports, sluice_command
from tests.journeys.waiting import until
from tests.journeys.watch_page import WatchPage

pytestmark = pytest.mark.browser

ENDED_S = 10


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The demo in a process group of its own, as a terminal would start it."""
    settings = {
        "SLUICE_SERVER__PORT": str(free_ports(1)),
        "SLUICE_MEDIA__PORT": str(free_ports(2)),
        "SLUICE_MEDIA__WORKERS": "2",
        "COLUMNS": "200",
    }
    with (tmp_path / "output").open("wb") as output:
        process = subprocess.Popen(
            [sluice_command(), "demo"],
            cwd=tmp_path,
            env=clean_environment() | settings,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    yield process
    print((tmp_path / "output").read_text())
    if process.poll() is None:
        process.kill()
        process.wait()


@pytest.mark.parametrize("interrupt", [os.killpg, os.kill], ids=["terminal", "supervisor"])
def test_the_demo_plays_and_an_interrupt_leaves_nothing_behind(
    demo: subprocess.Popen[bytes],
    tmp_path: Path,
    watch_page: WatchPage,
    interrupt: Callable[[int, int], None],
) -> None:
    """Ctrl-C in a terminal reaches the server and its phone, a supervisor only the server."""
    output = tmp_path / "output"
    shown = until("the address", lambda: re.search(r"http://\S+/watch/\w+", output.read_text()), 20)
    watch_page.open(shown[0])
    watch_page.await_frames(60)
    watch_page.await_state("playing")
    children = processes_of(demo.pid)
    assert len(children) >= 2  # the server and its phone

    interrupt(demo.pid, signal.SIGINT)
    assert demo.wait(ENDED_S) in (0, 130)
    until("all its processes are gone", lambda: not any(map(alive, children)), ENDED_S)
    assert "Traceback" not in output.read_text()


def processes_of(group: int) -> list[int]:
    """The ids of all processes in a process group (proc(5): field 5 of stat)."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it ended while we looked
            continue
        if int(fields[2]) == group:
            found.append(int(stat.parent.name))
    return found


def alive(process: int) -> bool:
    return Path(f"/proc/{process}").exists()
