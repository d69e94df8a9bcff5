"""The simulated phone."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

from tests.journeys.publisher import Publisher
from tests.journeys.server import SluiceServer


class Phone(Publisher):
    """The simulated phone with its test card, small so that a busy machine keeps up."""

    def __init__(
        self,
        server: SluiceServer,
        channel: str,
        key: str,
        codec: str = "h264",
        size: str = "640x360",
        gop_s: float = 2.0,
        audio: str = "tone",
    ) -> None:
        options = {
            "audio": audio,
            "codec": codec,
            "size": size,
            "gop": f"{gop_s:g}",
            "bitrate": "1000k",
        }
        command = [sys.executable, "-m", "mobile_sim", "publish", server.whip_url(channel)]
        command += ["--testcard", "--json"]
        command += [word for name, value in options.items() for word in (f"--{name}", value)]
        output = server.folder / f"phone-{channel}-{codec}.log"
        super().__init__(command, {"MOBILE_SIM_KEY": key}, output)

    def events(self, name: str) -> list[Mapping[str, object]]:
        """What it reported so far under this name, such as "live" or "retrying"."""
        lines = [line for line in self.output.splitlines() if line.startswith("{")]
        return [event for event in map(json.loads, lines) if event["event"] == name]
