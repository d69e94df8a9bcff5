"""How much of a server's CPU time is really the receivers'.

On loopback the kernel delivers a datagram within the call that sends it: cutting a burst apart,
finding the viewer's socket and waking its reader all count as the sender's time. On a network
another machine does that. `perf` tells the two apart by the functions they pass through.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

RECEIVING = "net_rx_action"
"""What every received packet passes through in the kernel."""
RATE_HZ = 499
LINE = re.compile(rf"^\s*([\d.]+)%.*\b{RECEIVING}\b", re.MULTILINE)


class ReceivingShare:
    """Samples a process while it is open."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._folder = tempfile.TemporaryDirectory()
        self._perf: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> ReceivingShare:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._perf is not None and self._perf.poll() is None:
            self._perf.terminate()
            self._perf.wait(10)
        self._folder.cleanup()

    def start(self, seconds: float) -> None:
        """Sample for so long; without `perf` nothing happens."""
        if self._perf is not None or shutil.which("perf") is None:
            return
        self._perf = subprocess.Popen(
            shlex.split(
                f"perf record --quiet -g -F {RATE_HZ} -p {self._pid} -o {self._data} "
                f"sleep {seconds:.1f}"
            ),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def share(self) -> float | None:
        """From 0 to 1; None when it could not be sampled."""
        if self._perf is None or self._perf.wait(60) != 0:
            return None
        report = subprocess.run(
            shlex.split(f"perf report --children --stdio -g none --sort sym -i {self._data}"),
            capture_output=True,
            text=True,
            check=False,
        )
        return read_share(report.stdout)

    @property
    def _data(self) -> Path:
        return Path(self._folder.name) / "perf.data"


def read_share(report: str) -> float | None:
    """The share of samples under `net_rx_action` in a report of `perf`; None for no samples."""
    found = LINE.search(report)
    return None if found is None else float(found[1]) / 100
