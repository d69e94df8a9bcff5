"""The simulated phone as a process of its own: it can be killed like a real one."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from tests.journeys.server import SluiceServer, clean_environment

STOP_S = 10.0


class Phone:
    """`python -m mobile_sim publish`, small and quick to start on a busy machine."""

    def __init__(
        self,
        server: SluiceServer,
        channel: str,
        key: str,
        codec: str = "h264",
        size: str = "640x360",
        gop_s: float = 2.0,
    ) -> None:
        self._output = server.folder / f"phone-{channel}-{codec}.log"
        command = [sys.executable, "-m", "mobile_sim", "publish", server.whip_url(channel)]
        options = {"codec": codec, "size": size, "gop": str(gop_s), "bitrate": "1000k"}
        command += ["--testcard", "--json"]
        for name, value in options.items():
            command += [f"--{name}", value]
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                env={**clean_environment(), "MOBILE_SIM_KEY": key},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def stop(self) -> None:
        """End it properly: its session is deleted."""
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

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def events(self, name: str) -> list[Mapping[str, object]]:
        """What it reported so far under this name, such as "live" or "sending"."""
        lines = self._output.read_text(encoding="utf-8", errors="replace").splitlines()
        found = [json.loads(line) for line in lines if line.startswith("{")]
        return [event for event in found if event["event"] == name]

    @property
    def output(self) -> Path:
        return self._output

    def __enter__(self) -> Phone:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.running:
            self.stop()
