"""What the caption process gives up before it looks at a stranger's bytes.

Each measure stands alone; what this machine does not have is left out. Unlike a decoder it may
read files: its engine has a model.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
from typing import Final

NICE: Final = 10
"""Captions come after everything else."""

PR_SET_PDEATHSIG: Final = 1
PR_SET_NO_NEW_PRIVS: Final = 38
CLONE_NEWUSER: Final = 0x1000_0000
CLONE_NEWNET: Final = 0x4000_0000


def confine(memory_bytes: int, parent: int) -> tuple[str, ...]:
    """For good. Call it before there is a second thread. Returns the measures that were taken.

    `memory_bytes` of address space, 0: as much as there is. `parent` is the process id with which
    it ends; it exits at once when that is gone already.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    taken = []
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) == 0:
        taken.append("dies-with-parent")
    if os.getppid() != parent:
        os._exit(0)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        taken.append("no-new-privileges")
    with contextlib.suppress(OSError):
        os.nice(NICE)
    # No engine may fetch a model behind our back.
    if libc.unshare(CLONE_NEWNET) == 0 or libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0:
        taken.append("no-network")
    bounds = [
        ("core", resource.RLIMIT_CORE, 0),
        ("file-size", resource.RLIMIT_FSIZE, 0),
        # It stays behind the media threads, though the server may raise those.
        ("nice", resource.RLIMIT_NICE, 0),
    ]
    if memory_bytes:
        bounds.append(("memory", resource.RLIMIT_AS, memory_bytes))
    for name, which, most in bounds:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(which, (most, most))
            taken.append(name)
    return tuple(taken)
