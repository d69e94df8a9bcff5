"""FFmpeg as a publisher."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.journeys.publisher import Publisher
from tests.journeys.server import SluiceServer

SCRIPT = Path(__file__).with_name("ffmpeg_phone.py")


class Ffmpeg(Publisher):
    """FFmpeg's WHIP muxer, with stamped pictures and a tone."""

    def __init__(self, server: SluiceServer, channel: str, key: str) -> None:
        command = [sys.executable, str(SCRIPT), server.whip_url(channel)]
        super().__init__(command, {"WHIP_KEY": key}, server.folder / f"ffmpeg-{channel}.log")
