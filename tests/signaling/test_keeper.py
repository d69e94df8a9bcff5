"""The keeper as a process, with children that are a few lines of Python."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from signaling import keeper

LIMIT_S = 30
CHILD = """
import os, signal, sys, time
fd = int(sys.argv[-1])
folder = sys.argv[1]
say = lambda word: os.write(fd, word)
with open(folder + "/lives", "a") as file:
    file.write("x")
life = os.path.getsize(folder + "/lives")
def told(text):
    print(text, flush=True)
"""
SERVES = """
def serve():
    say(b"r")
    told(f"pid {os.getpid()}")
    while True:
        say(b"b")
        time.sleep(0.05)
"""


def words(folder: Path, body: str) -> list[str]:
    return [sys.executable, "-c", CHILD + SERVES + body, str(folder)]


def line(folder: Path, body: str, *, hang_s: float = 10, end_s: float = 10) -> list[str]:
    return keeper.command(words(folder, body), hang_s=hang_s, end_s=end_s, as_json=True)


def run(folder: Path, body: str, **limits: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        line(folder, body, **limits), capture_output=True, text=True, timeout=LIMIT_S
    )


@contextmanager
def running(folder: Path, body: str, **limits: float) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        line(folder, body, **limits), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def events(text: str) -> list[str]:
    return [json.loads(one)["event"] for one in text.splitlines()]


def pid_in(out: IO[str] | None) -> int:
    assert out is not None
    return int(out.readline().split()[1])


@pytest.mark.parametrize("code", [0, 1, 3])
def test_the_code_of_a_child_that_ends_in_order_is_ours(tmp_path: Path, code: int) -> None:
    ended = run(tmp_path, f"say(b'{'r' if code == 0 else 'u'}'); sys.exit({code})")
    assert ended.returncode == code
    assert ended.stderr == ""
    assert (tmp_path / "lives").read_text() == "x"


def test_one_that_dies_is_started_again(tmp_path: Path) -> None:
    ended = run(
        tmp_path, "say(b'r')\nif life < 3: os.kill(os.getpid(), signal.SIGKILL)\nsys.exit(0)"
    )
    assert ended.returncode == 0
    assert (tmp_path / "lives").read_text() == "xxx"
    assert events(ended.stderr) == ["the server died", "the server is started again"] * 2
    assert json.loads(ended.stderr.splitlines()[0])["code"] == 137


def test_one_that_hangs_says_where_and_is_replaced(tmp_path: Path) -> None:
    hangs = (
        "import faulthandler; faulthandler.enable(); say(b'r')\n"
        "def stuck(): time.sleep(60)\n"
        "if life == 1: stuck()\n"
    )
    ended = run(tmp_path, hangs, hang_s=0.5)
    assert ended.returncode == 0
    assert "in stuck" in ended.stderr
    assert "its loop hangs" in ended.stderr


def test_one_that_takes_no_signal_is_killed(tmp_path: Path) -> None:
    stopped = "say(b'r')\nif life == 1: os.kill(os.getpid(), signal.SIGSTOP)\n"
    ended = run(tmp_path, stopped, hang_s=0.5)
    assert ended.returncode == 0
    assert (tmp_path / "lives").read_text() == "xx"


@pytest.mark.parametrize("wish", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_wish_to_end_is_passed_on(tmp_path: Path, wish: signal.Signals) -> None:
    body = f"signal.signal({wish.value}, lambda *_: (told('asked'), sys.exit(0)))\nserve()"
    with running(tmp_path, body) as process:
        pid = pid_in(process.stdout)
        process.send_signal(wish)
        out, _ = process.communicate(timeout=LIMIT_S)
        assert process.returncode == 0
    assert out == "asked\n"
    assert not Path(f"/proc/{pid}").exists()


def test_each_wish_is_passed_on_once(tmp_path: Path) -> None:
    """The child has a process group of its own, so a terminal's Ctrl-C reaches it through us."""
    body = (
        "signal.signal(2, lambda *_: told('asked'))\n"
        "signal.signal(15, lambda *_: sys.exit(0))\nserve()"
    )
    with running(tmp_path, body) as process:
        assert os.getpgid(pid_in(process.stdout)) != os.getpgid(process.pid)
        assert process.stdout is not None
        for _ in range(2):
            process.send_signal(signal.SIGINT)
            assert process.stdout.readline() == "asked\n"
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=LIMIT_S)
    assert out == ""


def test_an_end_that_is_not_kept_is_cut(tmp_path: Path) -> None:
    with running(tmp_path, "signal.signal(15, signal.SIG_IGN)\nserve()", end_s=0.5) as process:
        pid_in(process.stdout)
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=LIMIT_S)
        assert process.returncode == 137
    assert "it did not end in time" in told


def test_a_program_that_is_not_there_is_given_up(tmp_path: Path) -> None:
    absent = keeper.command(["no-such-program"], hang_s=1, end_s=1)
    program = absent.index("signaling.keeper")
    short = [
        *absent[: program - 1],
        "-c",
        "import sys; from signaling import keeping; keeping.BACKOFF_S = (0.0,);"
        "from signaling.keeper import main; sys.exit(main(sys.argv[1:]))",
        *absent[program + 1 :],
    ]
    ended = subprocess.run(short, capture_output=True, text=True, timeout=LIMIT_S)
    assert ended.returncode == keeper.CANNOT_RUN
    assert ended.stderr.count("the server cannot be run") == 10


RESERVE = """
import os, signal, sys, time
heartbeat = int(sys.argv[sys.argv.index("--heartbeat-fd") + 1])
turn = int(sys.argv[sys.argv.index("--reserve-fd") + 1]) if "--reserve-fd" in sys.argv else None
print("waits" if turn else "runs", os.getpid(), flush=True)
if turn is not None:
    if not os.read(turn, 1):
        sys.exit(0)
    print("serves", os.getpid(), flush=True)
os.write(heartbeat, b"r")
while True:
    os.write(heartbeat, b"b")
    time.sleep(0.05)
"""


@contextmanager
def with_reserve() -> Iterator[subprocess.Popen[str]]:
    """A keeper that is at ease at once."""
    words = [sys.executable, "-c", RESERVE]
    options = keeper.command(words, hang_s=10, end_s=10, as_json=True, reserve=True)
    begun = options.index("signaling.keeper")
    hasty = (
        "import sys; from signaling import keeper, keeping; keeping.AT_EASE_S = 0.0;"
        "sys.exit(keeper.main(sys.argv[1:]))"
    )
    with subprocess.Popen(
        [*options[: begun - 1], "-c", hasty, *options[begun + 1 :]],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def said(out: IO[str] | None) -> tuple[str, int]:
    assert out is not None
    word, pid = out.readline().split()
    return word, int(pid)


def test_the_one_in_reserve_takes_over_and_another_waits() -> None:
    with with_reserve() as process:
        word, first = said(process.stdout)
        assert word == "runs"
        for _ in range(2):
            word, reserve = said(process.stdout)
            assert word == "waits"
            os.kill(first, signal.SIGKILL)
            assert said(process.stdout) == ("serves", reserve)
            first = reserve
        word, last = said(process.stdout)
        assert word == "waits"
        process.terminate()
        _, told = process.communicate(timeout=LIMIT_S)
    assert not Path(f"/proc/{last}").exists(), "it is gone with its keeper"
    assert process.returncode == 128 + signal.SIGTERM
    assert events(told) == ["the server died", "the server is started again"] * 2


def test_a_reserve_that_dies_is_told_and_the_server_started_anew() -> None:
    with with_reserve() as process:
        _, server = said(process.stdout)
        word, reserve = said(process.stdout)
        assert word == "waits"
        os.kill(reserve, signal.SIGKILL)
        assert process.stderr is not None
        assert "the server in reserve died" in process.stderr.readline()
        os.kill(server, signal.SIGKILL)
        word, another = said(process.stdout)
        assert word == "runs"
        assert another not in (server, reserve)


def test_a_reserve_ends_when_its_keeper_is_killed() -> None:
    with with_reserve() as process:
        _, server = said(process.stdout)
        _, reserve = said(process.stdout)
        gone = os.pidfd_open(reserve)
        process.kill()
        assert select.select([gone], [], [], LIMIT_S)[0], "the reserve is still there"
        os.close(gone)
        os.kill(server, signal.SIGKILL)


def test_it_reads_none_of_what_it_watches_over() -> None:
    loaded = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; import signaling.keeper; "
            "print([name for name in sys.modules if name.split('.')[0] in "
            "('sluice', 'structlog', 'uvicorn', 'pydantic', 'sfu', 'asyncio')])",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert loaded.stdout == "[]\n"
