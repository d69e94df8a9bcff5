"""One process of the media plane, from its start to its end, and our end of the line to it.

It waits for its first message with all that it needs loaded, so one can be kept in reserve.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sfu

KEPT_VARIABLES: Final = ("LANG", "LC_ALL", "RUST_BACKTRACE")
KEPT_PREFIXES: Final = ("LD_", "FAKETIME")
"""Of the environment: a preloaded allocator or clock is meant for both processes. The rest may hold
secrets, and is no business of who reads strangers' packets."""


@dataclass(frozen=True, slots=True)
class PlaneProcess:
    """Whoever holds it must `end` it, or `discard` it when `ours` was not given to a line."""

    ours: socket.socket
    _process: asyncio.subprocess.Process

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether it was not seen to end."""
        return self._process.returncode is None

    async def end(self, patience_s: float) -> int:
        """End it by force, when it has not ended by itself in time.

        Returns its exit status as asyncio gives it: a negative one is a signal.
        """
        try:
            if patience_s > 0:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._process.wait(), patience_s)
        finally:
            if self.runs:
                # Not `Process.kill`: that would take the exit status away from asyncio.
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)
        return await self._process.wait()

    async def discard(self) -> None:
        """End one that was never talked to."""
        self.ours.close()
        await self.end(0.0)


async def spawn() -> PlaneProcess:
    """Start one. Raises OSError."""
    ours, theirs = socket.socketpair()
    starting = asyncio.create_task(_start(theirs))
    try:
        process = await asyncio.shield(starting)
    except OSError:
        ours.close()
        raise
    except asyncio.CancelledError:
        # It is half begun: wait for it, or nobody would ever end it.
        ours.close()
        with contextlib.suppress(OSError):
            await PlaneProcess(ours, await starting).discard()
        raise
    finally:
        theirs.close()
    return PlaneProcess(ours, process)


def environment(ours: Mapping[str, str]) -> dict[str, str]:
    """What the process needs of our environment."""
    kept = {
        name: value
        for name, value in ours.items()
        if name in KEPT_VARIABLES or name.startswith(KEPT_PREFIXES)
    }
    return kept | {"PYTHONPATH": str(Path(sfu.__file__).parent.parent)}


async def _start(theirs: socket.socket) -> asyncio.subprocess.Process:
    # Its standard error is ours: what it logs appears there as it is.
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "sfu.plane",
        str(theirs.fileno()),
        str(os.getpid()),
        pass_fds=(theirs.fileno(),),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        env=environment(os.environ),
    )
