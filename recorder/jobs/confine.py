"""What a job's process gives up: its priority, unbounded memory and time, and outliving others.

It decodes what strangers sent, and it must never be in the way of what is live. Each measure
stands alone; what this machine does not have is left out.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import resource
import signal
from typing import Final

NICE: Final = 10

PR_SET_PDEATHSIG: Final = 1
PR_SET_NO_NEW_PRIVS: Final = 38
IOPRIO_SET: Final = {"x86_64": 251, "aarch64": 30}
"""The system call's number, by machine. The C library has no name for it."""
IOPRIO_WHO_PROCESS: Final = 1
IOPRIO_IDLE: Final = 3 << 13

LAST_WORDS_S: Final = 5
"""Of processor time after the limit, before it is killed outright."""


def die_with(parent: int) -> None:
    """Be killed when the process (its thread, to be exact) that started this one ends.

    Exits when that happened already.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        # It died before the line above.
        os._exit(0)


def stand_back() -> None:
    """Let everything else have the processor and the disk first, and gain no rights any more."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    with contextlib.suppress(OSError):
        os.nice(NICE)
    number = IOPRIO_SET.get(platform.machine())
    if number is not None:
        libc.syscall(number, IOPRIO_WHO_PROCESS, 0, IOPRIO_IDLE)


def bound(memory_bytes: int, cpu_s: int) -> None:
    """Address space, processor time, no way back before the media threads, and no core dumps,
    which would hold what strangers sent."""
    _limit(resource.RLIMIT_CORE, 0, 0)
    _limit(resource.RLIMIT_NICE, 0, 0)
    _limit(resource.RLIMIT_AS, memory_bytes, memory_bytes)
    _limit(resource.RLIMIT_CPU, cpu_s, cpu_s + LAST_WORDS_S)


def _limit(which: int, soft: int, hard: int) -> None:
    _, most = resource.getrlimit(which)
    if most != resource.RLIM_INFINITY:
        soft, hard = min(soft, most), min(hard, most)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(which, (soft, hard))
