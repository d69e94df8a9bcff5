"""The small parent of `sluice serve`: starts it again when it dies or hangs.

    python -m signaling.keeper --hang-s 10 --end-s 40 -- <command>

`<command> --heartbeat-fd N` is run as a child. It writes into that pipe: `b` twice a second from
its event loop, `r` when it serves, `u` when it cannot start and has said why. Signals that ask for
an end are passed on, and the child's exit code becomes ours. Imports the standard library only:
what can break the server must not break who watches over it.
"""

from __future__ import annotations

import argparse
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from types import FrameType
from typing import Final

from signaling.keeping import End, Keeping, Kill, Start, Wait, Word, shell_code

WORDS: Final[dict[int, Word]] = {ord("b"): "beat", ord("r"): "ready", ord("u"): "unfit"}
PASSED_ON: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
LONGEST_S: Final = 1.0
"""The keeper wakes up this often, so that it knows when the whole machine stood still."""
CANNOT_RUN: Final = 126
_READ: Final = 4_096


class Keeper:
    """One child after the other, until one of them ends in order."""

    def __init__(self, command: Sequence[str], keeping: Keeping, *, as_json: bool = False) -> None:
        self._command = list(command)
        self._keeping = keeping
        self._json = as_json
        self._child: subprocess.Popen[bytes] | None = None
        self._pipe: int | None = None
        self._asked: list[int] = []
        self._selector = selectors.DefaultSelector()

    def run(self) -> int:
        """The exit code. Takes over the process's signal handlers."""
        woken, wakeup = os.pipe()
        for end in (woken, wakeup):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _noticed)
        for one in PASSED_ON:
            if signal.getsignal(one) is not signal.SIG_IGN:  # nohup
                signal.signal(one, self._ask)
        self._selector.register(woken, selectors.EVENT_READ)
        try:
            while True:
                now = time.monotonic()
                self._keeping.ticked(now)
                self._listen(now)
                self._pass_on(now)
                self._reap(now)
                match self._keeping.next(now):
                    case End(code):
                        return code
                    case Start():
                        self._start(now)
                    case Kill(gently, reason):
                        self._kill(gently, reason)
                    case Wait(until):
                        self._selector.select(min(LONGEST_S, max(0.0, until - now)))
                        _drain(woken)
        finally:
            signal.set_wakeup_fd(-1)
            self._hang_up()
            self._selector.close()
            os.close(woken)
            os.close(wakeup)

    # --- inside

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked.append(number)

    def _start(self, now: float) -> None:
        pipe, theirs = os.pipe()
        os.set_blocking(pipe, False)
        try:
            # A group of its own: Ctrl-C in the terminal reaches the child once, through us.
            self._child = subprocess.Popen(
                [*self._command, "--heartbeat-fd", str(theirs)],
                pass_fds=[theirs],
                stdin=subprocess.DEVNULL,
                process_group=0,
            )
        except OSError as error:  # no memory, or the program is just being replaced
            os.close(pipe)
            self._say("error", "the server cannot be run", reason=str(error))
            self._keeping.exited(CANNOT_RUN, now)
            return
        finally:
            os.close(theirs)
        self._pipe = pipe
        self._selector.register(pipe, selectors.EVENT_READ)
        if self._keeping.starts > 1:
            self._say("warning", "the server is started again", pid=self._child.pid)

    def _listen(self, now: float) -> None:
        if self._pipe is None:
            return
        try:
            told = os.read(self._pipe, _READ)
        except BlockingIOError:
            return
        if not told:
            self._hang_up()  # its end is noticed by SIGCHLD
        for letter in told:
            word = WORDS.get(letter)
            if word is not None:
                self._keeping.heard(word, now)

    def _pass_on(self, now: float) -> None:
        asked, self._asked = self._asked, []
        for number in asked:
            self._keeping.asked(now)
            if self._child is not None:
                self._child.send_signal(number)

    def _reap(self, now: float) -> None:
        if self._child is None or (code := self._child.poll()) is None:
            return
        self._listen(now)  # what it said last
        pid, self._child = self._child.pid, None
        self._hang_up()
        self._keeping.exited(code, now)
        if self._keeping.over is None:
            self._say("error", "the server died", pid=pid, code=shell_code(code))
        elif self._keeping.gave_up:
            self._say("error", "the server is given up: it never came to serve", pid=pid)

    def _kill(self, gently: bool, reason: str) -> None:
        if self._child is None:
            return
        self._say("error", "the server is killed", pid=self._child.pid, reason=reason)
        # On SIGABRT it writes down where each of its threads stands.
        self._child.send_signal(signal.SIGABRT if gently else signal.SIGKILL)

    def _hang_up(self) -> None:
        if self._pipe is not None:
            self._selector.unregister(self._pipe)
            os.close(self._pipe)
            self._pipe = None

    def _say(self, level: str, event: str, **rest: object) -> None:
        """A line like those of the server's own log (signaling/logs.py)."""
        at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        if self._json:
            line = json.dumps({**rest, "event": event, "level": level, "timestamp": at})
        else:
            told = " ".join(f"{name}={value}" for name, value in rest.items())
            line = f"{at} [{level:<9}] {event:<30} {told}"
        print(line, file=sys.stderr, flush=True)


def command(
    words: Sequence[str], *, hang_s: float, end_s: float, as_json: bool = False
) -> list[str]:
    """The command line that keeps `words` running; to be handed to `os.execv`."""
    options = ["--hang-s", f"{hang_s:g}", "--end-s", f"{end_s:g}"]
    options += ["--json"] if as_json else []
    # -P: nothing in the working folder may take the place of a module.
    return [sys.executable, "-P", "-m", "signaling.keeper", *options, "--", *words]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m signaling.keeper", description=__doc__)
    parser.add_argument("--hang-s", type=float, required=True)
    parser.add_argument("--end-s", type=float, required=True)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("words", nargs="+")
    got = parser.parse_args(arguments)
    return Keeper(got.words, Keeping(got.hang_s, got.end_s), as_json=got.json).run()


def _noticed(number: int, frame: FrameType | None) -> None:
    """The wakeup descriptor has it already."""


def _drain(pipe: int) -> None:
    try:
        while os.read(pipe, _READ):
            pass
    except BlockingIOError:
        pass


if __name__ == "__main__":
    sys.exit(main())
