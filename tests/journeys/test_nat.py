"""A viewer at home, behind a router that makes it hard: every way in that we promise, really gone.

Browser, server, TURN server and router each have a network of their own (netns.py).
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.journeys.netns import OTHER_RANGE, PUBLIC, SERVER, TURN, HomeNetwork
from tests.journeys.phone import Phone
from tests.journeys.screenshots import CHROMIUM, FLAGS
from tests.journeys.server import SluiceServer
from tests.journeys.turn import PORT as TURN_PORT
from tests.journeys.turn import TurnServer
from tests.journeys.watch_page import Frame, Run, WatchPage

pytestmark = [
    pytest.mark.browser,
    pytest.mark.netns,
    pytest.mark.needs("nft", "conntrack", "turnserver"),
]

WORKERS = 2
TWO_SECONDS = 60
"""Frames, at 30 a second."""
CHOSEN_PAIR = """async () => {
  const report = await window.connections.at(-1).getStats();
  const transport = [...report.values()].find((stat) => stat.type === "transport");
  const pair = report.get(transport.selectedCandidatePairId);
  return { local: report.get(pair.localCandidateId), remote: report.get(pair.remoteCandidateId) };
}"""


class Sluice(SluiceServer):
    """In the server's network, and what must be let through to reach it."""

    def __init__(self, folder: Path, **options: object) -> None:
        super().__init__(folder, host=SERVER, media_host=SERVER, workers=WORKERS, **options)

    @property
    def web(self) -> str:
        return f"ip daddr {SERVER} tcp dport {self.port}"

    def media(self, kind: str) -> str:
        return f"ip daddr {SERVER} {kind} dport {self.media_port}-{self.media_port + WORKERS - 1}"


def test_the_router_lends_another_port_for_each_destination(network: HomeNetwork) -> None:
    network.allow(f"ip daddr {SERVER} udp dport 5000-5007")
    with ExitStack() as stack:
        with network.server.entered():
            doors = [stack.enter_context(_udp((SERVER, port))) for port in range(5000, 5008)]
        with network.viewer.entered():
            viewer = stack.enter_context(_udp(("0.0.0.0", 0)))
        for door in doors:
            viewer.sendto(b"hello", door.getsockname())
        seen = [door.recvfrom(100)[1] for door in doors]
    assert {address for address, _ in seen} == {"10.77.1.1"}
    assert len({port for _, port in seen}) > 1
