"""A phone streams, a browser watches."""

from __future__ import annotations

import pytest

from tests.journeys.phone import Phone
from tests.journeys.server import SluiceServer
from tests.journeys.watch_page import WatchPage

pytestmark = pytest.mark.browser

FIVE_SECONDS = 150
"""Frames at 30 a second."""


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_every_frame_arrives_once_and_in_order(
    server: SluiceServer, watch_page: WatchPage, codec: str
) -> None:
    key = server.create_channel("lina")
    with Phone(server, "lina", key, codec=codec):
        watch_page.until("live", lambda: server.state("lina")["live"], 20) if 0 else None
        watch_page.open(server.watch_url("lina"))
        watch_page.await_state("playing")
        import time
        time.sleep(6)
        run = watch_page.frames()
        print(watch_page.first_frame_ms, watch_page.joins, run.seen_share, run.goes_forward)
        print([ (i,s) for i,s in enumerate(run.steps) if s!=1])
        print([round(f.latency_ms) for f in run.frames][:300])
        print(watch_page.inbound("video"))
        print(watch_page.inbound("audio"))
        print(watch_page.echo("x"))
        print(server.metric("sluice_engine_keyframe_requests_to_publishers_total"))
    assert 0
