"""What another process on this machine uses: CPU time and memory, read from /proc."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


class ProcessGone(Exception):
    """There is no such process (any more), or it may not be looked at."""


@dataclass(frozen=True, slots=True)
class Usage:
    """One process, all its threads, at one moment. Its children are not in it."""

    cpu_s: float
    """User and system time since its start, in seconds."""
    rss_kb: int
    """Resident memory, in units of 1024 bytes."""


class ProcessMeter:
    """Reads one process; one that took over the number of a dead one is not mistaken for it."""

    def __init__(self, pid: int, proc: Path = Path("/proc")) -> None:
        self._folder = proc / str(pid)
        self._pid = pid
        self._started = self._fields()[19]

    def read(self) -> Usage:
        """Raises ProcessGone."""
        fields = self._fields()
        if fields[19] != self._started:
            raise ProcessGone(f"process {self._pid} has ended; another has its number now")
        ticks = int(fields[11]) + int(fields[12])
        pages = int(fields[21])
        page_kb = os.sysconf("SC_PAGE_SIZE") // 1024
        return Usage(cpu_s=ticks / os.sysconf("SC_CLK_TCK"), rss_kb=pages * page_kb)

    def _fields(self) -> list[str]:
        """The fields of `stat` from the third on (proc(5)): the second may hold anything."""
        try:
            text = (self._folder / "stat").read_text(errors="replace")
        except OSError as error:
            raise ProcessGone(f"process {self._pid}: {error.strerror}") from error
        fields = text.rpartition(")")[2].split()
        if len(fields) < 22:
            raise ProcessGone(f"process {self._pid}: its stat has {len(fields)} fields")
        return fields
