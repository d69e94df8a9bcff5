"""Processes that the keeper runs: the server, and one in reserve that has read its code.

    <command> --heartbeat-fd N                  serves at once
    <command> --heartbeat-fd N --reserve-fd M   reads its code, and serves when a byte comes

One end of these pipes is held by `signaling/keeper.py`, the others by `signaling/heartbeat.py` and
`signaling/entry.py`. A reserve whose pipe closes has no keeper any more, and ends. Imports the
standard library only, as the keeper does.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

OPTION: Final = "--reserve-fd"
GO: Final = b"g"


@dataclass(slots=True)
class Child:
    """A process of the server's command."""

    process: subprocess.Popen[bytes]
    heartbeat: int
    """What it says can be read here, without waiting."""
    _turn: int | None = None

    @classmethod
    def start(cls, command: Sequence[str], *, reserve: bool = False) -> Child:
        """Run the command. Raises OSError."""
        heartbeat, theirs = os.pipe()
        os.set_blocking(heartbeat, False)
        words, turn, passed = [*command, "--heartbeat-fd", str(theirs)], None, [theirs]
        if reserve:
            waits, turn = os.pipe()
            words += [OPTION, str(waits)]
            passed.append(waits)
        try:
            # A group of its own: Ctrl-C in the terminal reaches it once, through the keeper.
            process = subprocess.Popen(
                words, pass_fds=passed, stdin=subprocess.DEVNULL, process_group=0
            )
        except OSError:  # no memory, or the program is just being replaced
            os.close(heartbeat)
            if turn is not None:
                os.close(turn)
            raise
        finally:
            for one in passed:
                os.close(one)
        return cls(process, heartbeat, turn)

    def call_up(self) -> bool:
        """The reserve's turn has come. False where it is gone."""
        turn, self._turn = self._turn, None
        if turn is None:
            return False
        try:
            if self.process.poll() is None:
                os.write(turn, GO)
                return True
        except BrokenPipeError:
            pass  # it has just died
        finally:
            os.close(turn)
        return False

    def dismiss(self) -> None:
        """It is not needed any more: it is gone, and forgotten, when this returns."""
        self.process.kill()
        self.process.wait()
        if self._turn is not None:
            os.close(self._turn)
            self._turn = None
        os.close(self.heartbeat)


def wait_for_turn(descriptor: int) -> bool:
    """In the reserve itself. False where the keeper is gone, or wants it no more."""
    try:
        return os.read(descriptor, 1) == GO
    finally:
        os.close(descriptor)


def taken_out(arguments: list[str]) -> int | None:
    """The descriptor that a command line names; the option is taken out of it."""
    if OPTION not in arguments:
        return None
    at = arguments.index(OPTION)
    descriptor = int(arguments[at + 1])
    del arguments[at : at + 2]
    return descriptor
