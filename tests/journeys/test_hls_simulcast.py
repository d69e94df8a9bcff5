"""A browser's simulcast becomes the ladder: three H.264 layers, and nothing is encoded."""

from __future__ import annotations

from urllib.request import urlopen

import pytest

from tests.journeys.server import SluiceServer
from tests.journeys.studio_page import StudioPage
from tests.journeys.waiting import until
from tests.journeys.watch_page import WatchPage

pytestmark = pytest.mark.browser

LINES = 540
RENDITIONS = ("source", "270p", "134p", "audio")


def playlist(server: SluiceServer, name: str) -> str:
    with urlopen(server.live_url("lina", name), timeout=10) as answer:
        text: str = answer.read().decode()
    return text


def test_three_layers_are_three_renditions_in_step(
    server: SluiceServer, studio_page: StudioPage, watch_page: WatchPage
) -> None:
    key = server.create_channel("lina")
    studio_page.open(server.studio_url("lina", key)).go_live("camera", "H264", LINES)
    until("three layers", lambda: active(server) == 3, 20)
    watch_page.open(f"{server.watch_url('lina')}?transport=llhls")
    watch_page.await_state("playing", within_s=30)
    server.await_segments("lina", 5)
    master = playlist(server, "master.m3u8")
    for name in RENDITIONS:
        assert f"{name}/index.m3u8" in master
        # Cut at the same keyframes for all five segments, or the encoder would have taken over.
        assert playlist(server, f"{name}/index.m3u8").count("#EXT-X-DISCONTINUITY\n") == 0
    assert server.metric("sluice_bridge_events_total", event="falls") == 0
    assert watch_page.state == "playing"


def active(server: SluiceServer) -> int:
    layers = server.state("lina")["layers"]
    assert isinstance(layers, list)
    return sum(layer["active"] and layer["width"] > 0 for layer in layers)
