"""A browser streams, another one watches."""

from __future__ import annotations

import pytest

from tests.journeys.server import SluiceServer
from tests.journeys.studio_page import StudioPage
from tests.journeys.watch_page import WatchPage

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("codec", ["H264", "VP8", "VP9", "AV1"])
def test_the_test_card_arrives_stamped_and_in_order(
    server: SluiceServer, studio_page: StudioPage, watch_page: WatchPage, codec: str
) -> None:
    key = server.create_channel("lina")
    studio_page.open(server.studio_url("lina", key))
    if codec not in studio_page.codecs:
        pytest.skip(f"this Chromium cannot send {codec}")
    studio_page.go_live("card", codec)
    watch_page.open(server.watch_url("lina"))
    watch_page.await_state("playing")
    run = watch_page.await_frames(90)
    assert run.goes_forward
    assert watch_page.codec == codec
    assert watch_page.inbound("audio")["packetsReceived"] > 0


@pytest.mark.parametrize("codec", ["H264", "VP8"])
def test_the_camera_arrives(
    server: SluiceServer, studio_page: StudioPage, watch_page: WatchPage, codec: str
) -> None:
    key = server.create_channel("lina")
    studio_page.open(server.studio_url("lina", key)).go_live("camera", codec)
    watch_page.open(server.watch_url("lina"))
    watch_page.await_state("playing")
    watch_page.until("a second", lambda: watch_page.inbound("video")["framesDecoded"] >= 30, 10)
    assert watch_page.codec == codec
    assert watch_page.inbound("video")["frameHeight"] > 0
    watch_page.until(
        "the camera's beep", lambda: watch_page.inbound("audio")["totalAudioEnergy"] > 0, 10
    )


def test_stop_ends_the_broadcast_for_its_viewers(
    server: SluiceServer, studio_page: StudioPage, watch_page: WatchPage
) -> None:
    key = server.create_channel("lina")
    studio_page.open(server.studio_url("lina", key)).go_live("card", "H264")
    watch_page.open(server.watch_url("lina"))
    watch_page.await_state("playing")
    studio_page.stop()
    watch_page.await_state("offline")
    assert server.state("lina")["live"] is False
