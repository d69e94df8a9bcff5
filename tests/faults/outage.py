"""The publisher is silent for a while: its line is cut, and mended."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from itertools import pairwise
from urllib.error import HTTPError
from urllib.request import urlopen

from tests.faults.row import STEADY, Measured, Row, Target
from tests.faults.seen import Moment, now_ms
from tests.faults.world import CHANNEL, World
from tests.journeys.access_lines import SERVER, AccessLine
from tests.journeys.netns import Namespace
from tests.journeys.server import SluiceServer
from tests.journeys.waiting import until

FAMILY = "outage"
NETWORKS = ("root", "ip", "tc", "nft", "nsenter", "chromium")
CUT = """
table inet cut {{
  chain come {{ type filter hook prerouting priority -300; ip saddr {0} drop; }}
  chain go {{ type filter hook postrouting priority 300; ip daddr {0} drop; }}
}}
"""


def cut(server: Namespace, line: AccessLine) -> None:
    """Nothing passes any more, and nobody is told."""
    server.run("nft", "-f", "-", text=CUT.format(line.address))


def mend(server: Namespace) -> None:
    server.run("nft", "delete", "table", "inet", "cut")


def silent(world: World, seed: int, seconds: float) -> Measured:
    """Viewers by WebRTC and by HLS."""
    lines = world.lines(2)
    home, away = lines.lines
    server = world.server(host=SERVER, media_host=SERVER)
    world.phone(server, within=away.viewer)
    page = world.watch(world.browser(home.viewer), server.watch_url(CHANNEL))
    server.await_segments(CHANNEL, 2)
    before, publisher = sequence(server), _publisher(server)
    time.sleep(random.Random(seed).uniform(0, 2))
    moment, began = Moment(page), now_ms()
    cut(lines.server, away)
    page.until("the viewer is told", lambda: page.state == "reconnecting", seconds)
    told = (now_ms() - began) / 1_000
    page.page.wait_for_timeout(max(0, seconds * 1_000 - (now_ms() - began)))
    during = sequence(server)
    mend(lines.server)
    if seconds < 6:  # the session's consent lasts longer
        live = moment.live_again_s(now_ms())
    else:
        live = moment.live_again_s(_posted_ms(server, publisher))
    after = sequence(server)
    same = _publisher(server) == publisher
    figures = {
        "live again": live,
        "sessions that the viewer had to open": moment.more_sessions(),
        "holes in HLS numbers": sum(map(holes, (before, during, after))) + (after[-1] < before[-1]),
    }
    if seconds >= 6:
        until("the cut is written down", lambda: _discontinuities(server) > 0, 15)
        figures["discontinuities in HLS"] = _discontinuities(server)
    note = f"viewer told after {told:.1f} s, {'the same' if same else 'another'} publisher session"
    return Measured(figures, note)


def _publisher(server: SluiceServer) -> str:
    """The id of the connected publisher; empty where there is none."""
    peers = server.peers(CHANNEL, "publisher")
    return next((str(one["id"]) for one in peers if one["state"] == "connected"), "")


def _posted_ms(server: SluiceServer, publisher: str) -> float:
    """The last moment at which there was no session but this one."""
    looked = now_ms()

    def another() -> bool:
        nonlocal looked
        began = now_ms()
        if {str(one["id"]) for one in server.peers(CHANNEL, "publisher")} - {publisher}:
            return True
        looked = began
        return False

    until("a new POST", another, 60)
    return looked


def playlist(server: SluiceServer) -> str:
    """Of the first rendition; empty where there is none now."""
    try:
        with urlopen(server.live_url(CHANNEL, "source/index.m3u8"), timeout=10) as answer:
            return str(answer.read().decode())
    except HTTPError:
        return ""


def sequence(server: SluiceServer) -> list[int]:
    """Numbers of the segments in the playlist, by their names."""
    lines = playlist(server).splitlines()
    named = [line for line in lines if line.endswith(".m4s") and not line.startswith("#")]
    return [int(line.rpartition("-")[2].removesuffix(".m4s")) for line in named]


def holes(numbers: Sequence[int]) -> int:
    """How many steps are not by one."""
    return sum(b != a + 1 for a, b in pairwise(numbers))


def _discontinuities(server: SluiceServer) -> int:
    return playlist(server).count("#EXT-X-DISCONTINUITY\n")


SAME = (Target("sessions that the viewer had to open", 0), Target("holes in HLS numbers", 0))
ROWS = (
    Row(
        "publisher silent 5 s",
        FAMILY,
        (Target("live again", 1, "s"), *SAME),
        lambda world, seed: silent(world, seed, 5),
        NETWORKS,
        cores=STEADY,
    ),
    Row(
        "publisher silent 30 s",
        FAMILY,
        (Target("live again", 3, "s"), *SAME, Target("discontinuities in HLS", 1, least=True)),
        lambda world, seed: silent(world, seed, 30),
        NETWORKS,
        limit_s=240,
        cores=STEADY,
    ),
)
