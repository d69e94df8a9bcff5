"""When a kept process is started, killed and given up: decisions only, with `now` as an argument.

    keeping.ticked(now)           first, whenever the keeper wakes up
    keeping.heard(word, now)      what came over the heartbeat's pipe
    keeping.exited(code, now)     the process is gone
    keeping.asked(now)            somebody wants the end
    match keeping.next(now): ...  until it is End

All times are seconds of a clock that never jumps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

BACKOFF_S: Final = (0.1, 0.5, 1.0, 2.0, 5.0)
"""Before each start in a row."""
FORGOTTEN_S: Final = 60.0
"""Who lived so long begins the row anew."""
TRIES: Final = 10
"""Starts in a row of which none came to serve; then it is given up."""
START_S: Final = 60.0
"""Of silence before it serves: Python reads a lot of code, and the rooms are opened."""
LAST_WORDS_S: Final = 0.5
"""A hung process may write down where it hangs for so long."""
BLIND_S: Final = 2.0
"""When the keeper itself did not run for so long, silence says nothing about the other one."""
PARDONS: Final = 3
"""How often that counts until something is heard again: a machine may be slow all day."""

AT_EASE_S: Final = 5.0
"""Who has served for so long is left alone; a reserve can be made meanwhile."""

Word = Literal["beat", "ready", "unfit"]
"""`unfit`: it says that it cannot start, and why it told the user itself."""


@dataclass(frozen=True, slots=True)
class Start:
    """Run it now."""


@dataclass(frozen=True, slots=True)
class Kill:
    """It is to end: with last words first, then at once."""

    gently: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is to be done before `until`."""

    until: float


@dataclass(frozen=True, slots=True)
class End:
    """All is over; this is the keeper's exit code."""

    code: int


Step = Start | Kill | Wait | End


class Keeping:
    """One process that should be there."""

    def __init__(self, hang_s: float, end_s: float) -> None:
        """`hang_s`: silence after which it counts as hung. `end_s`: how long it may take to end
        after it was asked to."""
        self._hang_s = hang_s
        self._end_s = end_s
        self._start_at: float | None = 0.0
        """None while it runs."""
        self._started = 0.0
        self._heard_by = 0.0
        """When the next sign of life is due."""
        self._ended_by: float | None = None
        """Since somebody wants the end."""
        self._aborted = False
        self._pardons = 0
        self._awake: float | None = None
        self._ready = False
        self._ready_at = 0.0
        self._served = False
        self._unfit = False
        self._failures = 0
        self._in_vain = 0
        self.over: int | None = None
        """The exit code, once all is over."""
        self.gave_up = False
        self.starts = 0

    def next(self, now: float) -> Step:
        """What is to be done now; ask again after it was done."""
        if self.over is not None:
            return End(self.over)
        if self._start_at is not None:
            if now < self._start_at:
                return Wait(self._start_at)
            self._begin(now)
            return Start()
        ended_by = math.inf if self._ended_by is None else self._ended_by
        until = min(self._heard_by, ended_by)
        if now < until:
            return Wait(until)
        return self._overdue(now, too_long=ended_by <= self._heard_by)

    def ticked(self, now: float) -> None:
        """Call it first at each wakeup: a machine that stood still is nobody's fault."""
        blind = self._awake is not None and now - self._awake > BLIND_S
        if blind and self._pardons < PARDONS and now >= self._heard_by - BLIND_S:
            self._pardons += 1
            self._heard_by = max(self._heard_by, now + min(self._hang_s, BLIND_S))
        self._awake = now

    def heard(self, word: Word, now: float) -> None:
        if self._start_at is not None:
            return  # the last words of one that is gone
        if word == "unfit":
            self._unfit = True
            return
        if word == "ready":
            if not self._ready:
                self._ready_at = now
            self._ready = self._served = True
            self._in_vain = 0
        self._pardons = 0
        if not self._aborted:
            # Until it serves, nobody waits for its loop, which has much to do.
            self._heard_by = now + (self._hang_s if self._ready else START_S)

    @property
    def ending(self) -> bool:
        """Whether somebody wants the end."""
        return self._ended_by is not None

    def at_ease(self, now: float) -> bool:
        """Whether it serves, has done so for a while, and nobody wants it to end."""
        serves = self._ready and self._start_at is None and not self._aborted
        return serves and not self.ending and now - self._ready_at >= AT_EASE_S

    def asked(self, now: float) -> None:
        """Somebody wants it to end. It is told by the caller; here, that is bounded."""
        if self._start_at is not None:
            self.over = 0
        elif self._ended_by is None:
            self._ended_by = now + self._end_s

    def exited(self, code: int, now: float) -> None:
        """`code` is negative where a signal ended it, as `subprocess` has it."""
        in_order = code == 0 or self._ended_by is not None
        # That it cannot start counts before its first service only: afterwards, what is in the
        # way may be what the one before left behind, such as a port.
        if in_order or (self._unfit and not self._served):
            self.over = shell_code(code)
            return
        if not self._ready:
            self._in_vain += 1
            if self._in_vain >= TRIES:
                self.gave_up = True
                self.over = shell_code(code)
                return
        if now - self._started >= FORGOTTEN_S:
            self._failures = 0
        self._start_at = now + BACKOFF_S[min(self._failures, len(BACKOFF_S) - 1)]
        self._failures += 1

    def _begin(self, now: float) -> None:
        self._start_at = None
        self._started = now
        self._heard_by = now + START_S
        self._aborted = self._ready = self._unfit = False
        self._pardons = 0
        self.starts += 1

    def _overdue(self, now: float, *, too_long: bool) -> Kill:
        if too_long:
            # Again and again until it is gone.
            self._ended_by = now + LAST_WORDS_S
            return Kill(False, "it did not end in time")
        gently = not self._aborted
        self._aborted = True
        self._heard_by = now + LAST_WORDS_S
        return Kill(gently, "its loop hangs" if self._ready else "it does not come to serve")


def shell_code(code: int) -> int:
    """As shells have it: 137 for a process that SIGKILL ended."""
    return code if code >= 0 else 128 - code
