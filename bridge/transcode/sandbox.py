"""What the process gives up before it looks at a stranger's bytes.

After `enter` it opens no file, no socket and no program, writes nowhere but to its parent, has
bounded memory, and dies with its parent. Each measure stands alone; what this machine does not
have is left out, and `enter` says which were taken. A hardware encoder needs devices and drivers
all along, so it gets a wider one.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MEMORY_BYTES: Final = 2 << 30
NICE: Final = 5
"""Forwarding comes first: a late rendition is late, a late packet is lost."""

PR_SET_PDEATHSIG: Final = 1
PR_SET_NO_NEW_PRIVS: Final = 38
CLONE_NEWUSER: Final = 0x1000_0000
CLONE_NEWNET: Final = 0x4000_0000
CAPABILITY_VERSION: Final = 0x2008_0522

# The same numbers on all architectures that Linux got since (the table is shared).
LANDLOCK_CREATE: Final = 444
LANDLOCK_RESTRICT: Final = 446
LANDLOCK_VERSION_FLAG: Final = 1
LANDLOCK_FILES: Final = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
"""All rights on files that a version knows of."""
LANDLOCK_TCP_SINCE: Final = 4
LANDLOCK_TCP: Final = 3


@dataclass(frozen=True, slots=True)
class Limits:
    """`hardware`: what an encoder in hardware needs stays open."""

    memory_bytes: int = MEMORY_BYTES
    hardware: bool = False


def enter(limits: Limits, parent: int) -> tuple[str, ...]:
    """Give everything up for good. Call it before there is a second thread.

    Returns the names of the measures that were taken. Exits when the parent is gone already.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    taken = []
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) == 0:
        taken.append("dies-with-parent")
    if os.getppid() != parent:
        # It died before the line above.
        os._exit(0)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        taken.append("no-new-privileges")
    with contextlib.suppress(OSError):
        os.nice(NICE)
    if _no_network(libc):
        taken.append("no-network")
    bounds = _bounds(limits)
    if not limits.hardware and _no_files(libc):
        taken.append("no-files")
    taken += _limited(bounds)
    if _no_capabilities(libc):
        taken.append("no-capabilities")
    return tuple(taken)


def _bounds(limits: Limits) -> list[tuple[str, int, int]]:
    bounds = [
        ("core", resource.RLIMIT_CORE, 0),
        ("file-size", resource.RLIMIT_FSIZE, 0),
        # It stays behind the media threads, though the server may raise those.
        ("nice", resource.RLIMIT_NICE, 0),
    ]
    if not limits.hardware:
        bounds.append(("memory", resource.RLIMIT_AS, limits.memory_bytes))
        # Not one more than are open now.
        bounds.append(("open-files", resource.RLIMIT_NOFILE, _open_files()))
    return bounds


def _limited(bounds: list[tuple[str, int, int]]) -> list[str]:
    taken = []
    for name, which, most in bounds:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(which, (most, most))
            taken.append(name)
    return taken


def _open_files() -> int:
    """One more than the largest descriptor that is open; the listing's own is not counted."""
    listed = [int(entry) for entry in os.listdir("/proc/self/fd")]  # noqa: PTH208
    return 1 + max(fd for fd in listed if Path(f"/proc/self/fd/{fd}").exists())


def _no_network(libc: ctypes.CDLL) -> bool:
    """An empty network namespace. Who is not root needs a user namespace of its own for that."""
    if libc.unshare(CLONE_NEWNET) == 0:
        return True
    return bool(libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0)


def _no_files(libc: ctypes.CDLL) -> bool:
    """Landlock without a single rule: whatever it knows of is forbidden."""
    version = libc.syscall(LANDLOCK_CREATE, None, 0, LANDLOCK_VERSION_FLAG)
    if version < 1:
        return False
    files = max(rights for since, rights in LANDLOCK_FILES.items() if since <= version)
    tcp = LANDLOCK_TCP if version >= LANDLOCK_TCP_SINCE else 0
    attributes = struct.pack("=QQ", files, tcp)
    size = 16 if tcp else 8
    ruleset = libc.syscall(LANDLOCK_CREATE, attributes, size, 0)
    if ruleset < 0:
        return False
    try:
        return bool(libc.syscall(LANDLOCK_RESTRICT, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _no_capabilities(libc: ctypes.CDLL) -> bool:
    """Even root could raise no limit again."""
    header = struct.pack("=Ii", CAPABILITY_VERSION, 0)
    return bool(libc.capset(header, struct.pack("=6I", *([0] * 6))) == 0)
