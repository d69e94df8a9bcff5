"""Any work of jobs, which also says what its process took: `cpu_s` and `peak_kb` among the facts.

It stands in an order in the place of the work that it does.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Final

from recorder.work import kinds
from recorder.work.task import Facts, Report, Task

VERSION: Final = 1
STATUS: Final = Path("/proc/self/status")


def run(task: Task, report: Report) -> Facts:
    """Raises what the work does."""
    work, _ = kinds.load(kinds.WORKS[task.spec.kind])
    facts = work(task, report)
    return {**facts, "cpu_s": time.process_time(), "peak_kb": peak_kb(STATUS.read_text())}


def peak_kb(status: str) -> int:
    """The most memory that was resident since the program began, in units of 1024 bytes.

    Not ru_maxrss: that counts what its parent had when it was started, too.
    """
    found = re.search(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE)
    if found is None:
        raise ValueError("the kernel does not tell it")
    return int(found[1])
