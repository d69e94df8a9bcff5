"""Works for tests: what children do well, and all that they do wrong. Run in real children."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from recorder.media import MediaMissing
from recorder.work.task import Facts, Report, Task, Value, WorkError

VERSION: Final[int] = 3


def writes(task: Task, report: Report) -> Facts:
    """A good one. It leaves a line for each time that it was done."""
    report(0.5)
    (task.out / "poster.jpg").write_bytes(task.media.read("source-000001.mp4", 0, 8))
    (task.out / "more").mkdir()
    (task.out / "more" / "deep.txt").write_text("deep")
    with (task.out.parent / "done.log").open("a") as log:
        log.write(f"{task.out.name}\n")
    return {"bytes": 8, "title": task.recording.title, "exact": True}


def refuses(task: Task, report: Report) -> Facts:
    raise WorkError("There is no picture in it.")


def raises(task: Task, report: Report) -> Facts:
    raise ValueError("a slip")


def first_raises(task: Task, report: Report) -> Facts:
    if _attempt(task) == 1:
        raise ValueError("a slip")
    return writes(task, report)


def stands_still(task: Task, report: Report) -> Facts:
    """Half an output, then nothing any more."""
    (task.out / "poster.jpg").write_bytes(b"half a pic")
    (task.out / "pid").write_text(str(os.getpid()))
    report(0.5)
    threading.Event().wait()
    return {}


def first_stands_still(task: Task, report: Report) -> Facts:
    return stands_still(task, report) if _attempt(task) == 1 else writes(task, report)


def stands_still_with_child(task: Task, report: Report) -> Facts:
    """What it started must not outlive it."""
    other = subprocess.Popen([sys.executable, "-c", "import threading; threading.Event().wait()"])
    (task.out / "child").write_text(str(other.pid))
    return stands_still(task, report)


def crashes(task: Task, report: Report) -> Facts:
    os.kill(os.getpid(), signal.SIGSEGV)
    return {}


def leaves(task: Task, report: Report) -> Facts:
    os._exit(7)


def bombs(task: Task, report: Report) -> Facts:
    """All the memory that there is, in pieces, as a leak takes it."""
    kept = []
    while True:
        kept.append(bytearray(64 << 20))


def burns(task: Task, report: Report) -> Facts:
    while True:
        pass


def babbles(task: Task, report: Report) -> Facts:
    """It prints what is no word of ours; libraries do."""
    print("frame=  1 fps=0.0 q=0.0")
    os.write(1, b"straight to the descriptor\n")
    return writes(task, report)


def links(task: Task, report: Report) -> Facts:
    """A picture that leads elsewhere."""
    (task.out / "poster.jpg").symlink_to("/etc/passwd")
    return {}


def tells(task: Task, report: Report) -> Facts:
    """What the child has, and what it lost."""
    with open("/proc/self/limits") as limits:  # noqa: PTH123
        core = next(line.split()[4] for line in limits if line.startswith("Max core"))
    return {
        "nice": os.getpriority(os.PRIO_PROCESS, 0),
        "environment": ",".join(sorted(os.environ)),
        "arguments": " ".join(sys.orig_argv[1:]),
        "core": core,
    }


def alone(task: Task, report: Report) -> Facts:
    """Says when another one of the same job runs at the same time."""
    lock = task.out.parent / f"lock-{task.spec.parameters['number']}"
    file = os.open(lock, os.O_CREAT | os.O_EXCL)
    facts = writes(task, report)
    os.close(file)
    lock.unlink()
    return facts


def another_is_quicker(task: Task, report: Report) -> Facts:
    """Somebody puts the same output in its place meanwhile."""
    key = task.out.name.split(".")[1]
    theirs = task.out.parent / key
    theirs.mkdir()
    (theirs / "facts.json").write_text('{"by": "the other"}')
    return writes(task, report)


class Elsewhere:
    """A Media that is no folder."""

    def __init__(self, settings: Mapping[str, Value]) -> None:
        self._settings = settings

    def read(self, name: str, offset: int, size: int) -> bytes:
        if "secret" not in self._settings:
            raise MediaMissing(name)
        return str(self._settings["secret"]).encode()[:size]

    def local(self, name: str) -> Path | None:
        return None


def elsewhere(folder: Path, settings: Mapping[str, Value]) -> Elsewhere:
    return Elsewhere(settings)


def _attempt(task: Task) -> int:
    return int(task.out.name.rsplit(".", 1)[1])
