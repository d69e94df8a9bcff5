"""A publisher as a process of its own: it can be killed like a real one."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from tests.journeys.server import clean_environment

STOP_S = 10.0


class Publisher:
    """Publishes from the moment it is made until it is stopped, killed or left with `with`."""

    def __init__(self, command: Sequence[str], secret: Mapping[str, str], output: Path) -> None:
        """`secret` goes by environment, as `ps` shows arguments to everybody."""
        self._output = output
        with output.open("wb") as file:
            self._process = subprocess.Popen(
                command,
                env={**clean_environment(), **secret},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def output(self) -> str:
        """All that it wrote so far."""
        return self._output.read_text(encoding="utf-8", errors="replace")

    def stop(self) -> None:
        """End it properly: its session is deleted. Raises TimeoutExpired when it does not obey."""
        if not self.running:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self) -> None:
        """SIGKILL: nobody is told."""
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Publisher:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        print(f"--- {type(self).__name__}\n{self.output[-4_000:]}")
