"""The server is restarted, or crashes: everybody comes back without being asked."""

from __future__ import annotations

import pytest

from tests.journeys.phone import Phone
from tests.journeys.server import SluiceServer
from tests.journeys.studio_page import StudioPage
from tests.journeys.watch_page import WatchPage

pytestmark = pytest.mark.browser


def test_phone_and_viewer_come_back_after_a_restart(
    server: SluiceServer, watch_page: WatchPage
) -> None:
    key = server.create_channel("lina")
    with Phone(server, "lina", key):
        watch_page.open(server.watch_url("lina"))
        before = watch_page.await_frames(30).frames[-1]
        server.restart()
        after = watch_page.await_frames(60, since=before, within_s=40)
        watch_page.await_state("playing")
        assert after.goes_forward


def test_studio_and_viewer_come_back_after_a_crash(
    server: SluiceServer, studio_page: StudioPage, watch_page: WatchPage
) -> None:
    key = server.create_channel("lina")
    studio_page.open(server.studio_url("lina", key)).go_live("card", "H264")
    watch_page.open(server.watch_url("lina"))
    before = watch_page.await_frames(30).frames[-1]
    server.kill()
    watch_page.await_state("reconnecting")
    server.start()
    after = watch_page.await_frames(60, since=before, within_s=40)
    watch_page.await_state("playing")
    assert after.goes_forward
    assert studio_page.state == "live"
