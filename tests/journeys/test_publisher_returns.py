"""The publisher is lost, or another one takes its place: viewers keep their connection."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.journeys.phone import Phone
from tests.journeys.server import SluiceServer
from tests.journeys.studio_page import StudioPage
from tests.journeys.waiting import until
from tests.journeys.watch_page import WatchPage

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("codec_after", ["h264", "vp8"])
def test_viewers_go_on_by_themselves_when_a_killed_publisher_returns(
    server: SluiceServer, new_watch_page: Callable[[], WatchPage], codec_after: str
) -> None:
    key = server.create_channel("lina")
    phone = Phone(server, "lina", key, "h264")
    try:
        viewers = [new_watch_page().open(server.watch_url("lina")) for _ in range(3)]
        for viewer in viewers:
            viewer.await_frames(30)
        connections = [viewer.connections for viewer in viewers]
    finally:
        phone.kill()
    for viewer in viewers:
        viewer.await_state("reconnecting")
    last = [viewer.frames().frames[-1] for viewer in viewers]
    with Phone(server, "lina", key, codec_after):
        for viewer, seen in zip(viewers, last, strict=True):
            run = viewer.await_frames(30, since=seen)
            assert run.goes_forward
            viewer.await_state("playing")
            assert viewer.codec == codec_after.upper()
            assert viewer.joins == 1
        assert [viewer.connections for viewer in viewers] == connections


def test_a_second_publisher_takes_over_and_viewers_go_on(
    server: SluiceServer, studio_page: StudioPage, watch_page: WatchPage
) -> None:
    key = server.create_channel("lina")
    studio_page.open(server.studio_url("lina", key)).go_live("card", "H264")
    watch_page.open(server.watch_url("lina"))
    watch_page.await_state("playing")
    before = watch_page.await_frames(30).frames[-1]
    with Phone(server, "lina", key, "vp8"):
        watch_page.until("the newcomer's codec", lambda: watch_page.codec == "VP8", 15)
        watch_page.await_frames(60, since=before)
        watch_page.await_state("playing")
        assert (watch_page.joins, watch_page.connections) == (1, 1)
        # The one before was told so, and does not fight back.
        until("the studio is told", lambda: studio_page.state == "failed", 10)
        assert "took over" in studio_page.alert
        assert len(server.peers("lina", "publisher")) == 1
