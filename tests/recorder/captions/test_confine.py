"""What a process can no longer do."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import os, resource, socket
from recorder.captions.confine import NICE, confine
taken = confine(1 << 30, os.getppid())
wanted = {"dies-with-parent", "no-new-privileges", "memory", "file-size", "nice"}
assert wanted <= set(taken), taken
assert os.nice(0) >= NICE
assert resource.getrlimit(resource.RLIMIT_NICE) == (0, 0)
assert resource.getrlimit(resource.RLIMIT_FSIZE) == (0, 0)
try:
    bytearray(2 << 30)
except MemoryError:
    pass
else:
    raise AssertionError("as much memory as it likes")
if "no-network" in taken:
    try:
        socket.create_connection(("127.0.0.1", 9), timeout=1)
    except OSError as error:
        assert error.errno == 101 or "unreachable" in str(error), error
print("confined")
"""


def run(script: str) -> str:
    command = [sys.executable, "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_memory_files_and_the_network_are_bounded() -> None:
    assert run(SCRIPT) == "confined\n"


def test_it_ends_when_its_parent_is_gone_already() -> None:
    script = "from recorder.captions.confine import confine; confine(0, 1 << 22); print('alive')"
    assert run(script) == ""
