"""The processes of a server, whichever of them keeps which: to kill one, to weigh all."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")
PLANE = "sfu.plane"
ENCODER = "bridge.transcode"


class Tree:
    """A process and all that came from it, looked at anew with each question."""

    def __init__(self, root: int, proc: Path = Path("/proc")) -> None:
        self.root = root
        self._proc = proc

    def all(self) -> list[int]:
        """The root first, then its children, then theirs."""
        children: dict[int, list[int]] = {}
        for pid, parent in self._parents():
            children.setdefault(parent, []).append(pid)
        found = [self.root]
        for pid in found:
            found += sorted(children.get(pid, []))
        return found

    def named(self, words: str) -> list[int]:
        """Those with these words in their command, the root left out."""
        return [pid for pid in self.all()[1:] if words in self._command(pid)]

    @property
    def plane(self) -> int | None:
        """The media plane's process, where it has one of its own; another may wait in reserve."""
        return min(self.named(PLANE), key=self._began, default=None)

    @property
    def front(self) -> int:
        """The process that answers HTTP: the root, or a server that a keeper keeps."""
        return next(iter(self.named(" serve")), self.root)

    @property
    def rss(self) -> int:
        """Bytes of memory that all of them use; shared pages count for each."""
        return sum(map(self._rss, self.all()))

    def kill(self, pid: int) -> None:
        """SIGKILL one of them. Raises ProcessLookupError when it is none of ours."""
        if pid not in self.all():
            raise ProcessLookupError(f"{pid} is no process of {self.root}")
        os.kill(pid, signal.SIGKILL)

    def _parents(self) -> Iterator[tuple[int, int]]:
        for folder in self._proc.iterdir():
            if folder.name.isdecimal():
                try:
                    stat = (folder / "stat").read_text(encoding="utf-8", errors="replace")
                except OSError:
                    continue  # it ended meanwhile
                # Behind the name, which may hold anything: the state, and the parent.
                yield int(folder.name), int(stat.rpartition(")")[2].split()[1])

    def _command(self, pid: int) -> str:
        try:
            command = (self._proc / str(pid) / "cmdline").read_bytes()
        except OSError:
            return ""
        return command.replace(b"\0", b" ").decode(errors="replace")

    def _began(self, pid: int) -> int:
        """In ticks since the boot; past everything for one that is gone."""
        try:
            stat = (self._proc / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return 1 << 63
        return int(stat.rpartition(")")[2].split()[19])

    def _rss(self, pid: int) -> int:
        try:
            return int((self._proc / str(pid) / "statm").read_text().split()[1]) * PAGE
        except OSError:
            return 0
