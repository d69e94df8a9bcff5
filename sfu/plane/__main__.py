"""`python -m sfu.plane DESCRIPTOR PARENT`: started by `supervisor` alone."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Final

# Ctrl-C in a terminal, and a service manager's SIGTERM, are for everybody in the group. Who started
# us ends us, when it is time; where it is gone, the line is too.
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)

PR_SET_PDEATHSIG: Final = 1
PR_SET_NO_NEW_PRIVS: Final = 38


def main(descriptor: int, parent: int) -> None:
    """Be the media plane of `parent`, and die with it even where nothing works any more."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.getppid() != parent:
        return  # it died before the first line

    # Not before: all this takes a moment, in which signals come.
    import socket

    import structlog
    import uvloop

    from sfu.native import NativeEngine
    from sfu.plane.child import live

    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    uvloop.run(live(socket.socket(fileno=descriptor), NativeEngine))


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:3]))
