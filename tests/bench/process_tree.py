"""A process and all that it started: CPU, memory, open files and threads, read from /proc."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from signaling.process_meter import ProcessGone, Usage

PROC = Path("/proc")
ENCODED = 4_096
"""Bytes of a command line that are looked at."""


@dataclass(frozen=True, slots=True)
class Member:
    """One process of a tree at one moment."""

    pid: int
    role: str
    """What it runs: `sluice serve`, or the module of `python -m`."""
    cpu_s: float
    """With the children that it has waited for, so that a tree forgets nothing."""
    rss_kb: int
    files: int
    threads: int


@dataclass(frozen=True, slots=True)
class _Stat:
    parent: int
    cpu_s: float
    threads: int
    rss_kb: int


def tree(pid: int, proc: Path = PROC) -> list[Member]:
    """The process and its descendants. Raises ProcessGone when it is not there itself."""
    stats = dict(_all(proc))
    if pid not in stats:
        raise ProcessGone(f"process {pid} is not there")
    children: dict[int, list[int]] = {}
    for number, stat in stats.items():
        children.setdefault(stat.parent, []).append(number)
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        waiting += children.get(one, [])
        found.append(_member(one, stats[one], proc))
    return found


def by_role(members: Iterable[Member]) -> dict[str, int]:
    """Resident memory in kB."""
    total: Counter[str] = Counter()
    for one in members:
        total[one.role] += one.rss_kb
    return dict(total)


class TreeMeter:
    """Reads a process together with all that it started."""

    def __init__(self, pid: int, proc: Path = PROC) -> None:
        """Raises ProcessGone."""
        self.pid = pid
        self._proc = proc
        self.members()

    def members(self) -> list[Member]:
        """Raises ProcessGone."""
        return tree(self.pid, self._proc)

    def read(self) -> Usage:
        """Sums. What several processes share of memory counts several times.

        Raises ProcessGone.
        """
        members = self.members()
        return Usage(sum(one.cpu_s for one in members), sum(one.rss_kb for one in members))


def role(arguments: list[str]) -> str:
    """A short name of a command line."""
    if not arguments:
        return "?"
    for flag, module in pairwise(arguments):
        if flag == "-m":
            return module
    words = [Path(one).name for one in arguments if not one.startswith("-")]
    if words and words[0].startswith("python"):
        words = words[1:]
    return " ".join(words[:2]) or Path(arguments[0]).name


def _all(proc: Path) -> Iterable[tuple[int, _Stat]]:
    tick, page_kb = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE") // 1024
    for folder in proc.iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            text = (folder / "stat").read_text(errors="replace")
        except OSError:
            continue  # it ended while we looked
        # From the third field of proc(5) on: the second may hold anything.
        fields = text.rpartition(")")[2].split()
        if len(fields) >= 22:
            ticks = sum(int(field) for field in fields[11:15])
            yield (
                int(folder.name),
                _Stat(int(fields[1]), ticks / tick, int(fields[17]), int(fields[21]) * page_kb),
            )


def _member(pid: int, stat: _Stat, proc: Path) -> Member:
    folder = proc / str(pid)
    try:
        with (folder / "cmdline").open("rb") as file:
            words = file.read(ENCODED).decode(errors="replace").split("\0")
        files = sum(1 for _ in (folder / "fd").iterdir())
    except OSError:
        words, files = [], 0  # it ended while we looked
    named = role([word for word in words if word])
    return Member(pid, named, stat.cpu_s, stat.rss_kb, files, stat.threads)
