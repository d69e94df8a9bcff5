"""What others on this machine use while a bench measures: they take its cores, and its truth."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from signaling.process_meter import ProcessMeter

STAT = Path("/proc/stat")
TOLERATED = 0.15
"""Of one core: what the system itself needs."""


class Watch:
    """Over the time from its making, in which this process and one server are the bench."""

    def __init__(self, server: ProcessMeter) -> None:
        self._server = server
        self._start, self._ours_s = moment(), self._used_s()

    def doubts(self) -> list[str]:
        """Why the figures may be worse than the server is; empty is good."""
        found = doubt(self._start, moment(), self._used_s() - self._ours_s)
        return [] if found is None else [found]

    def _used_s(self) -> float:
        return own_cpu_s() + self._server.read().cpu_s


@dataclass(frozen=True, slots=True)
class Moment:
    """CPU seconds since the boot, and the time they were read at."""

    busy_s: float
    at: float


def moment(stat: Path = STAT) -> Moment:
    """Of all cores together: what was neither idle nor waiting for a disk."""
    user, nice, system, _idle, _waiting, interrupt, soft, stolen = (
        int(field) for field in stat.read_text().split("\n", 1)[0].split()[1:9]
    )
    ticks = user + nice + system + interrupt + soft + stolen
    return Moment(ticks / os.sysconf("SC_CLK_TCK"), time.monotonic())


def own_cpu_s() -> float:
    """Of this process and the children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def doubt(before: Moment, after: Moment, ours_s: float) -> str | None:
    """What to say of a time in which the bench used `ours_s` itself; None when all is well."""
    cores = (after.busy_s - before.busy_s - ours_s) / max(0.001, after.at - before.at)
    if cores <= TOLERATED:
        return None
    return f"others used {100 * cores:.0f} % of a core meanwhile"
