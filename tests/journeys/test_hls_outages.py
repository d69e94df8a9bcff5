"""Bad moments, and what an HLS viewer sees of them. Each test prints its figures."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.request import urlopen

import pytest
from playwright.sync_api import BrowserContext

from tests.journeys.edge_pair import EdgePair
from tests.journeys.other_players import OtherPlayer, PlayerServer, Seen
from tests.journeys.phone import Phone
from tests.journeys.server import SluiceServer
from tests.journeys.waiting import until
from tests.journeys.watch_page import WatchPage

pytestmark = pytest.mark.browser


@pytest.fixture
def players() -> Iterator[PlayerServer]:
    with PlayerServer() as server:
        yield server


@pytest.fixture
def player(context: BrowserContext) -> OtherPlayer:
    return OtherPlayer(context.new_page())


def watch(player: OtherPlayer, players: PlayerServer, url: str) -> Seen:
    player.open(players, "llhls", url)
    return player.until("two seconds of pictures", lambda seen: len(seen.counters) >= 60, 40)


def longest_gap_ms(seen: Seen) -> float:
    """Between two pictures on the screen."""
    shown = [captured + late for captured, late in zip(seen.captured, seen.latencies, strict=True)]
    return max(after - before for before, after in pairwise(shown))


def sequence(server: SluiceServer, name: str = "source") -> list[int]:
    """Numbers of the segments in a playlist, by their names."""
    with urlopen(server.live_url("lina", f"{name}/index.m3u8"), timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    named = [line for line in lines if line.endswith(".m4s") and not line.startswith("#")]
    return [int(line.rpartition("-")[2].removesuffix(".m4s")) for line in named]


def goes_on(player: OtherPlayer, within_s: float) -> Seen:
    """Wait for three seconds of new pictures."""
    before = player.seen.captured[-1]
    return player.until(
        "new pictures",
        lambda seen: sum(captured > before for captured in seen.captured) >= 90,
        within_s,
    )


@pytest.mark.parametrize("away_s", [5, 30])
def test_a_publisher_that_returns_is_seen_again_on_the_same_address(
    server: SluiceServer, player: OtherPlayer, players: PlayerServer, away_s: int
) -> None:
    key = server.create_channel("lina")
    with Phone(server, "lina", key) as phone:
        server.await_live("lina")
        watch(player, players, server.live_url("lina"))
        before = sequence(server)
        phone.kill()
    player.page.wait_for_timeout(away_s * 1_000)
    during = sequence(server)
    with Phone(server, "lina", key):
        seen = goes_on(player, 40)
    after = sequence(server)
    with urlopen(server.live_url("lina", "source/index.m3u8"), timeout=10) as answer:
        playlist = answer.read().decode()
    assert seen.errors == []
    # Numbers go up without holes, before, while and after.
    for numbers in (before, during, after):
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert before[-1] < during[-1] < after[-1]
    assert "#EXT-X-GAP" in playlist
    assert playlist.count("#EXT-X-DISCONTINUITY\n") == 1
    print(
        f"away {away_s} s: longest time without a new picture {longest_gap_ms(seen):.0f} ms, "
        f"then {seen.latencies[-1]:.0f} ms behind"
    )


def test_an_encoder_that_is_killed_is_started_again(
    server: SluiceServer, player: OtherPlayer, players: PlayerServer
) -> None:
    key = server.create_channel("lina")
    with Phone(server, "lina", key, "vp8"):
        server.await_live("lina")
        watch(player, players, server.live_url("lina"))
        before = sequence(server)
        [child] = server.encoders()
        os.kill(child, signal.SIGKILL)
        until("another one runs", lambda: server.encoders() not in ([], [child]), 5)
        seen = goes_on(player, 30)
        after = sequence(server)
    assert seen.errors == []
    assert after[: len(before)] == before or after[0] > before[0]
    assert after == list(range(after[0], after[0] + len(after)))
    assert server.metric("sluice_bridge_events_total", event="encoder_died") == 1
    print(f"encoder killed: longest time without a new picture {longest_gap_ms(seen):.0f} ms")


@pytest.mark.needs("nginx", "varnishd", "openssl")
def test_an_origin_that_crashes_is_covered_for_by_its_edge_and_viewers_come_back(
    server: SluiceServer, watch_page: WatchPage, tmp_path: Path
) -> None:
    key = server.create_channel("lina")
    with (
        Phone(server, "lina", key),
        EdgePair(tmp_path / "edge", server.origin.removeprefix("http://")) as edge,
    ):
        server.await_live("lina")
        watch_page.open(f"{server.watch_url('lina')}?transport=llhls")
        watch_page.await_frames(60, within_s=30)
        before = watch_page.frames().frames[-1]
        playlists = [f"/live/lina/{name}" for name in ("master.m3u8", "source/index.m3u8")]
        fresh = [edge.get(path, Accept_Encoding="gzip") for path in playlists]
        server.kill()
        stale = [edge.get(path, Accept_Encoding="gzip") for path in playlists]
        assert [got.status for got in stale] == [200, 200]
        assert [got.body for got in stale] == [got.body for got in fresh]
        watch_page.until("it is noticed", lambda: watch_page.state == "reconnecting", 20)
        server.start()
        run = watch_page.await_frames(90, since=before, within_s=60)
        watch_page.await_state("playing")
    gap_ms = max(b.shown_ms - a.shown_ms for a, b in pairwise([before, *run.frames]))
    print(f"origin crashed: longest time without a new picture {gap_ms:.0f} ms")
