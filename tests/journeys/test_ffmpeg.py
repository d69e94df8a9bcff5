"""A publisher that we did not write: FFmpeg's WHIP muxer."""

from __future__ import annotations

import pytest

from tests.journeys.ffmpeg import Ffmpeg
from tests.journeys.server import SluiceServer
from tests.journeys.waiting import until
from tests.journeys.watch_page import WatchPage

pytestmark = pytest.mark.browser


def test_ffmpeg_streams_and_a_browser_watches(server: SluiceServer, watch_page: WatchPage) -> None:
    key = server.create_channel("lina")
    with Ffmpeg(server, "lina", key) as ffmpeg:
        watch_page.open(server.watch_url("lina"))
        watch_page.await_state("playing")
        watch_page.expect_smooth(seconds=5)
        watch_page.until(
            "the tone", lambda: watch_page.inbound("audio")["totalAudioEnergy"] > 0.01, 10
        )
        assert server.peers("lina", "publisher")[0]["packets_lost"] == 0
        ffmpeg.stop()
        watch_page.await_state("offline")


def test_ffmpeg_is_refused_with_a_wrong_key(server: SluiceServer) -> None:
    server.create_channel("lina")
    with Ffmpeg(server, "lina", "sk_wrong") as ffmpeg:
        until("it gives up", lambda: not ffmpeg.running, 15)
        assert "403 Forbidden" in ffmpeg.output
    assert server.state("lina")["live"] is False
