"""The small parent of `sluice serve`: starts it again when it dies or hangs.

    python -m signaling.keeper --hang-s 10 --end-s 40 --reserve -- <command>

`<command> --heartbeat-fd N` is run as a child. It writes into that pipe: `b` twice a second from
its event loop, `r` when it serves, `u` when it cannot start and has said why. Signals that ask for
an end are passed on, and the child's exit code becomes ours. With `--reserve` another one has read
its code and waits (signaling/reserve.py). Imports the standard library only: what can break the
server must not break who watches over it.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import selectors
import signal
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from types import FrameType
from typing import Final

from signaling.keeping import End, Keeping, Kill, Start, Wait, Word, shell_code
from signaling.reserve import Child

WORDS: Final[dict[int, Word]] = {ord("b"): "beat", ord("r"): "ready", ord("u"): "unfit"}
PASSED_ON: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
LONGEST_S: Final = 1.0
"""The keeper wakes up this often, so that it knows when the whole machine stood still."""
CANNOT_RUN: Final = 126
AGAIN_S: Final = 60.0
"""After a reserve died, another one is made so much later."""
_READ: Final = 4_096


class Keeper:
    """One child after the other, until one of them ends in order."""

    def __init__(
        self,
        command: Sequence[str],
        keeping: Keeping,
        *,
        as_json: bool = False,
        reserve: bool = False,
    ) -> None:
        self._command = list(command)
        self._keeping = keeping
        self._json = as_json
        self._child: Child | None = None
        self._hears = False
        """The child's end of its pipe is open."""
        self._reserve: Child | None = None
        self._reserve_at = 0.0 if reserve else math.inf
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
                        self._prepare(now)
                        self._selector.select(min(LONGEST_S, max(0.0, until - now)))
                        _drain(woken)
        finally:
            signal.set_wakeup_fd(-1)
            self._dismiss()
            self._hang_up()
            self._selector.close()
            os.close(woken)
            os.close(wakeup)

    # --- inside

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked.append(number)

    def _start(self, now: float) -> None:
        reserve, self._reserve = self._reserve, None
        try:
            if reserve is not None and reserve.call_up():
                self._child = reserve
            else:
                if reserve is not None:
                    reserve.dismiss()
                self._child = Child.start(self._command)
        except OSError as error:
            self._say("error", "the server cannot be run", reason=str(error))
            self._keeping.exited(CANNOT_RUN, now)
            return
        self._selector.register(self._child.heartbeat, selectors.EVENT_READ)
        self._hears = True
        if self._keeping.starts > 1:
            self._say("warning", "the server is started again", pid=self._child.process.pid)

    def _prepare(self, now: float) -> None:
        if not self._keeping.at_ease(now):
            if self._keeping.ending:
                self._dismiss()
            return
        if self._reserve is not None or now < self._reserve_at:
            return
        try:
            self._reserve = Child.start(self._command, reserve=True)
        except OSError as error:
            self._reserve_at = now + AGAIN_S
            self._say("warning", "there is no server in reserve", reason=str(error))

    def _dismiss(self) -> None:
        reserve, self._reserve = self._reserve, None
        if reserve is not None:
            reserve.dismiss()

    def _listen(self, now: float) -> None:
        if self._child is None or not self._hears:
            return
        try:
            told = os.read(self._child.heartbeat, _READ)
        except BlockingIOError:
            return
        if not told:  # its end is noticed by SIGCHLD
            self._selector.unregister(self._child.heartbeat)
            self._hears = False
        for letter in told:
            word = WORDS.get(letter)
            if word is not None:
                self._keeping.heard(word, now)

    def _pass_on(self, now: float) -> None:
        asked, self._asked = self._asked, []
        for number in asked:
            self._keeping.asked(now)
            if self._child is not None:
                self._child.process.send_signal(number)

    def _reap(self, now: float) -> None:
        reserve, child = self._reserve, self._child
        if reserve is not None and reserve.process.poll() is not None:
            self._dismiss()
            self._reserve_at = now + AGAIN_S
            self._say("warning", "the server in reserve died", pid=reserve.process.pid)
        if child is None or (code := child.process.poll()) is None:
            return
        self._listen(now)  # what it said last
        self._hang_up()
        pid = child.process.pid
        self._keeping.exited(code, now)
        if self._keeping.over is None:
            self._say("error", "the server died", pid=pid, code=shell_code(code))
        elif self._keeping.gave_up:
            self._say("error", "the server is given up: it never came to serve", pid=pid)

    def _kill(self, gently: bool, reason: str) -> None:
        if self._child is None:
            return
        process = self._child.process
        self._say("error", "the server is killed", pid=process.pid, reason=reason)
        # On SIGABRT it writes down where each of its threads stands.
        process.send_signal(signal.SIGABRT if gently else signal.SIGKILL)

    def _hang_up(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        if self._hears:
            self._selector.unregister(child.heartbeat)
            self._hears = False
        os.close(child.heartbeat)

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
    words: Sequence[str],
    *,
    hang_s: float,
    end_s: float,
    as_json: bool = False,
    reserve: bool = False,
) -> list[str]:
    """The command line that keeps `words` running; to be handed to `os.execv`."""
    options = ["--hang-s", f"{hang_s:g}", "--end-s", f"{end_s:g}"]
    options += ["--json"] if as_json else []
    options += ["--reserve"] if reserve else []
    # -P: nothing in the working folder may take the place of a module.
    return [sys.executable, "-P", "-m", "signaling.keeper", *options, "--", *words]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m signaling.keeper", description=__doc__)
    parser.add_argument("--hang-s", type=float, required=True)
    parser.add_argument("--end-s", type=float, required=True)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--reserve", action="store_true")
    parser.add_argument("words", nargs="+")
    got = parser.parse_args(arguments)
    keeping = Keeping(got.hang_s, got.end_s)
    return Keeper(got.words, keeping, as_json=got.json, reserve=got.reserve).run()


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
