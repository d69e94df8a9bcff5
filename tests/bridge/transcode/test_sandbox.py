"""What the process can no longer do once it is locked in: tried, in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PRELUDE = """
import contextlib, json, mmap, os, resource, socket, subprocess, sys
from bridge.transcode.sandbox import Limits, enter

def tried(work):
    try:
        work()
    except (OSError, MemoryError, ValueError) as error:
        return type(error).__name__
    return "done"
"""

ATTEMPTS = """
inherited = socket.socket()
with contextlib.suppress(ValueError):  # who is not root cannot
    resource.setrlimit(resource.RLIMIT_NICE, (40, 40))
taken = enter(Limits(hardware=HARDWARE), os.getppid())
fresh = []

def connect():
    fresh.append(socket.create_connection(("127.0.0.1", PORT), timeout=5))

print(json.dumps({
    "taken": taken,
    "write": tried(lambda: open(PATH, "w")),
    "fill": tried(lambda: os.write(1, b"") or os.truncate(PATH, 10)),
    "read": tried(lambda: open("/etc/passwd").read()),
    "connect": tried(connect),
    "program": tried(lambda: os.execv("/bin/true", ["true"])),
    "memory": tried(lambda: mmap.mmap(-1, 3 << 30)),
    "raise": tried(lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))),
    "nice": os.nice(0),
    "first": tried(lambda: os.nice(-20)),
}))
"""


def run(script: str, **names: object) -> dict[str, Any]:
    lines = [f"{name} = {value!r}" for name, value in names.items()]
    result = subprocess.run(
        [sys.executable, "-c", "\n".join([PRELUDE, *lines, script])],
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.fixture
def listener() -> Any:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_no_file_no_socket_no_program_and_no_endless_memory(tmp_path: Path, listener: int) -> None:
    path = tmp_path / "written"
    found = run(ATTEMPTS, HARDWARE=False, PORT=listener, PATH=str(path))
    taken = {"open-files", "file-size", "memory", "nice", "dies-with-parent"}
    assert taken <= set(found["taken"])
    for attempt in ("write", "fill", "read", "connect", "memory", "first"):
        assert found[attempt] != "done", attempt
    assert found["nice"] >= 5
    assert not path.exists()


def test_a_limit_cannot_be_raised_again(tmp_path: Path, listener: int) -> None:
    found = run(ATTEMPTS, HARDWARE=False, PORT=listener, PATH=str(tmp_path / "x"))
    assert found["raise"] != "done"


def test_with_a_hardware_encoder_there_is_still_no_network(tmp_path: Path, listener: int) -> None:
    found = run(
        ATTEMPTS.replace('"program"', '"skipped"').replace("os.execv", "(lambda *_: 0)"),
        HARDWARE=True,
        PORT=listener,
        PATH=str(tmp_path / "x"),
    )
    if "no-network" not in found["taken"]:
        pytest.skip("this machine allows no network namespace")
    assert found["connect"] != "done"
    assert "memory" not in found["taken"]


def test_without_a_sandbox_all_of_it_would_be_possible(tmp_path: Path, listener: int) -> None:
    """The proof that the attempts above can succeed at all."""
    open_script = ATTEMPTS.replace("enter(", "(lambda *_: ())(")
    found = run(
        open_script.replace("os.execv", "(lambda *_: 0)"),
        HARDWARE=False,
        PORT=listener,
        PATH=str(tmp_path / "x"),
    )
    for attempt in ("write", "fill", "read", "connect"):
        assert found[attempt] == "done", attempt


PARENT = """
child = os.fork()
if child == 0:
    enter(Limits(), os.getppid())
    os.write(1, b"in\\n")
    while True:
        import signal
        signal.pause()
signal = __import__("signal")
signal.pause()
"""


def test_it_dies_with_its_parent() -> None:
    script = PRELUDE + "import signal\n" + PARENT
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"in\n"
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    # Both held the other end of the pipe: the end comes when both are gone.
    assert parent.stdout.read() == b""
    parent.stdout.close()


def test_it_ends_when_the_parent_is_gone_already() -> None:
    script = PRELUDE + "enter(Limits(), 1 << 22)\nprint('still here')\n"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (0, "")
