"""Players that we did not write play what the bridge makes, at the delay that they are for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext

from tests.journeys.other_players import Kind, OtherPlayer, PlayerServer
from tests.journeys.phone import Phone
from tests.journeys.server import SluiceServer

pytestmark = pytest.mark.browser

FRAMES = 30 * 6


@pytest.fixture
def players() -> Iterator[PlayerServer]:
    with PlayerServer() as server:
        yield server


@pytest.mark.parametrize(
    ("kind", "codec", "least_ms", "most_ms"),
    [
        ("llhls", "h264", 500, 4_000),
        ("llhls", "vp8", 500, 4_000),
        ("shaka", "h264", 500, 8_000),
        ("dash", "h264", 500, 6_000),
        ("hls", "h264", 4_000, 12_000),
    ],
)
def test_a_player_plays_without_an_error(
    server: SluiceServer,
    context: BrowserContext,
    players: PlayerServer,
    kind: Kind,
    codec: str,
    least_ms: float,
    most_ms: float,
) -> None:
    key = server.create_channel("lina")
    name = "manifest.mpd" if kind == "dash" else "master.m3u8"
    with Phone(server, "lina", key, codec):
        server.await_live("lina")
        if kind == "hls":  # it wants three target durations
            server.await_segments("lina", 4)
        url = server.live_url("lina", name)
        player = OtherPlayer(context.new_page()).open(players, kind, url)
        seen = player.until("frames", lambda seen: len(seen.counters) >= FRAMES, 40)
        print(kind, codec, round(seen.median_ms), seen.first_frame_ms, seen.stalls)
        assert seen.errors == []
        # The delay tells that it took the road that it was meant to take.
        assert least_ms < seen.median_ms < most_ms


def test_the_end_is_known_and_played_up_to(
    server: SluiceServer, context: BrowserContext, players: PlayerServer, tmp_path: Path
) -> None:
    key = server.create_channel("lina")
    with Phone(server, "lina", key, "h264"):
        server.await_live("lina")
        url = server.live_url("lina", "master.m3u8")
        player = OtherPlayer(context.new_page()).open(players, "llhls", url)
        player.until("frames", lambda seen: len(seen.counters) >= 60, 40)
    seen = player.until("the end", lambda seen: seen.ended, 20)
    assert seen.errors == []
