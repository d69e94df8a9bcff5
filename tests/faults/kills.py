"""Parts of the platform are killed: the media plane, the front, the encoder, the recorder."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from urllib.error import URLError
from urllib.request import Request, urlopen

from playwright.sync_api import Browser

from sfu.native import LoadViewers
from tests.faults.outage import holes, sequence
from tests.faults.processes import ENCODER
from tests.faults.row import BUSY, STEADY, WHOLE, Measured, NotRun, Row, Target
from tests.faults.seen import now_ms
from tests.faults.world import CHANNEL, World
from tests.journeys.other_players import OtherPlayer, PlayerServer, Seen
from tests.journeys.server import SluiceServer
from tests.journeys.waiting import until
from tests.journeys.watch_page import WatchPage
from tests.recorder import kills as recorder_kills

FAMILY = "kills"
TABS = 8
PART_KILLS = 25


def media(world: World, seed: int) -> Measured:
    """The media plane's process, while some tabs watch."""
    server = world.server(unlimited=True)
    tree = world.tree(server)
    if tree.plane is None:
        raise NotRun("the media plane has no process of its own here")
    tabs = _tabs(world, server, TABS)
    time.sleep(random.Random(seed).uniform(2, 4))  # a reserve is ready
    spare = server.create_channel("spare")
    offers = LoadViewers(max_viewers=1)
    world.at_the_end(offers.stop)
    began = now_ms()
    tree.kill(tree.plane)
    while not _publishes(server, "spare", spare, offers.publisher_offer()[1]):
        time.sleep(0.02)
    again = now_ms()
    back = _back(tabs, began, again)
    return Measured(
        {
            "another one takes offers": (again - began) / 1_000,
            "95 % of viewers see it again": _most(back),
        },
        f"median {statistics.median(back):.1f} s, last {max(back):.1f} s; the same front process",
    )


def front(world: World, seed: int) -> Measured:
    """The web server, kept by its keeper."""
    server = world.server({"server": {"keeper": True}}, unlimited=True)
    tree = world.tree(server)
    if tree.front == tree.root:
        raise NotRun("the server is not kept by another process here")
    tabs = _tabs(world, server, TABS)
    time.sleep(random.Random(seed).uniform(0, 2))
    began = now_ms()
    tree.kill(tree.front)
    until("it answers again", lambda: _ready(server), 60)
    again = now_ms()
    back = _back(tabs, began, again)
    return Measured(
        {"ready again": (again - began) / 1_000, "95 % of viewers see it again": _most(back)},
        f"median {statistics.median(back):.1f} s, last {max(back):.1f} s",
    )


def _tabs(world: World, server: SluiceServer, count: int) -> list[WatchPage]:
    """Viewers of a small picture, all playing."""
    world.phone(server, "vp8", "320x180")
    browser: Browser = world.browser()
    tabs = [WatchPage(browser.new_page()).open(server.watch_url(CHANNEL)) for _ in range(count)]
    for tab in tabs:
        tab.await_frames(10, within_s=40)
    return tabs


def _back(tabs: Sequence[WatchPage], since_ms: float, again_ms: float) -> list[float]:
    """Seconds until each showed a picture that was captured when the new process was there: what
    the one before had sent may still have been on its way. By the pages' own record, as a look at
    so many pages takes a while."""
    shown: list[float] = []

    def is_back(tab: WatchPage) -> bool:
        fresh = [one.shown_ms for one in tab.frames().frames if one.capture_ms > again_ms]
        shown.extend(fresh[:1])
        return bool(fresh)

    for tab in tabs:
        until("a tab plays again", partial(is_back, tab), 60)
    return [(one - since_ms) / 1_000 for one in shown]


def _most(back: Sequence[float]) -> float:
    """When 95 % of them were there."""
    return sorted(back)[-1 - len(back) // 20]


def _publishes(server: SluiceServer, channel: str, key: str, offer: str) -> bool:
    headers = {"Content-Type": "application/sdp", "Authorization": f"Bearer {key}"}
    request = Request(server.whip_url(channel), offer.encode(), headers)
    try:
        with urlopen(request, timeout=2) as answer:
            return bool(answer.status == 201)
    except (URLError, OSError):
        return False


def _ready(server: SluiceServer) -> bool:
    try:
        with urlopen(f"{server.origin}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def bridge(world: World, seed: int) -> Measured:
    """The encoder's process, while somebody watches what it makes."""
    server = world.server()
    tree = world.tree(server)
    world.phone(server, "vp8")
    players = world.enter(PlayerServer())
    player = OtherPlayer(world.browser().new_page())
    player.open(players, "llhls", server.live_url(CHANNEL))
    player.until("two seconds of pictures", lambda seen: len(seen.counters) >= 60, 40)
    time.sleep(random.Random(seed).uniform(0, 2))
    before, began = sequence(server), now_ms()
    [child] = tree.named(ENCODER)
    tree.kill(child)
    until("another one runs", lambda: tree.named(ENCODER) not in ([], [child]), 10)
    respawned = (now_ms() - began) / 1_000
    seen = player.until("new pictures", lambda seen: _fresh(seen, began) >= 60, 30)
    after = sequence(server)
    return Measured(
        {
            "longest time without a new picture": _longest_gap_s(seen, began),
            "holes in HLS numbers": holes(before) + holes(after) + (after[-1] < before[-1]),
            "errors of the player": len(seen.errors),
        },
        f"another encoder after {respawned:.1f} s",
    )


def _fresh(seen: Seen, since_ms: float) -> int:
    return sum(captured > since_ms for captured in seen.captured)


def _longest_gap_s(seen: Seen, since_ms: float) -> float:
    shown = [at + late for at, late in zip(seen.captured, seen.latencies, strict=True)]
    return max(b - a for a, b in pairwise(shown) if b >= since_ms) / 1_000


def recorder(world: World, seed: int) -> Measured:
    """Processes that record, killed at any moment; then everything is recovered and decoded."""
    report = recorder_kills.run(world.folder / "kills", PART_KILLS, seed)
    return Measured(
        {"parts lost of a rendition": report.most_lost, "faults": len(report.faults)},
        f"{report.kills} kills, {report.parts} parts; {'; '.join(report.faults)}"[:200],
    )


BACK = Target("95 % of viewers see it again", 5, "s")
ROWS = (
    Row(
        "media process kill -9",
        FAMILY,
        (Target("another one takes offers", 1, "s"), BACK),
        media,
        ("chromium",),
        cores=WHOLE,
    ),
    Row(
        "front process kill -9",
        FAMILY,
        (Target("ready again", 3, "s"), BACK),
        front,
        ("chromium",),
        cores=WHOLE,
    ),
    Row(
        "bridge kill -9",
        FAMILY,
        (
            Target("longest time without a new picture", 4, "s"),
            Target("holes in HLS numbers", 0),
            Target("errors of the player", 0),
        ),
        bridge,
        ("chromium",),
        cores=STEADY,
    ),
    Row(
        "recorder kill -9",
        FAMILY,
        (Target("parts lost of a rendition", 1), Target("faults", 0)),
        recorder,
        cores=BUSY,
    ),
)
