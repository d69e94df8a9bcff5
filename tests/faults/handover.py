"""Addresses change under way: a router takes other ports, or a phone comes from another network."""

from __future__ import annotations

import random
import time

from tests.faults.outage import NETWORKS
from tests.faults.row import BUSY, Measured, Row, Target
from tests.faults.seen import Moment, now_ms
from tests.faults.world import CHANNEL, World
from tests.journeys.access_lines import SERVER as LINE_SERVER
from tests.journeys.netns import OTHER_PORTS, SERVER, HomeNetwork
from tests.journeys.server import SluiceServer

FAMILY = "handover"
SESSIONS = Target("sessions that the viewer had to open", 0)
WORKERS = 2


def publisher_rebind(world: World, seed: int) -> Measured:
    """The publisher's router forgets its ports, and takes others."""
    return _rebind(world, seed, publisher_at_home=True)


def viewer_rebind(world: World, seed: int) -> Measured:
    """A viewer's router forgets its ports, and takes others."""
    return _rebind(world, seed, publisher_at_home=False)


def _rebind(world: World, seed: int, publisher_at_home: bool) -> Measured:
    home = world.home()
    server = world.server(host=SERVER, media_host=SERVER, workers=WORKERS)
    flows = _flows(server)
    home.allow(*flows)
    inside, outside = home.viewer, home.phone
    publisher, viewer = (inside, outside) if publisher_at_home else (outside, inside)
    world.phone(server, within=publisher)
    page = world.watch(world.browser(viewer), server.watch_url(CHANNEL))
    role = "publisher" if publisher_at_home else "viewer"
    time.sleep(random.Random(seed).uniform(0, 5))
    moment, address = Moment(page), _address(server, role)
    began = now_ms()
    _forget(home, flows)
    # By a check of its own, or by an ICE restart, whichever comes first.
    page.until("another address", lambda: _address(server, role) != address, 30)
    path = (now_ms() - began) / 1_000
    return Measured(
        {
            "freeze": moment.longest_freeze_s(began),
            "sessions that the viewer had to open": moment.more_sessions(),
        },
        f"another address after {path:.1f} s",
    )


def _address(server: SluiceServer, role: str) -> object:
    """Of the newest peer; None while there is none."""
    peers = server.peers(CHANNEL, role)
    return peers[-1]["address"] if peers else None


def _flows(server: SluiceServer) -> list[str]:
    ports = f"{server.media_port}-{server.media_port + WORKERS - 1}"
    return [f"ip daddr {SERVER} tcp dport {server.port}", f"ip daddr {SERVER} udp dport {ports}"]


def _forget(home: HomeNetwork, flows: list[str]) -> None:
    home.allow(*flows, ports=OTHER_PORTS)
    home.forget_flows()


def new_address(world: World, seed: int) -> Measured:
    """The phone's address goes, and it gets another one."""
    lines = world.lines(2)
    home, away = lines.lines
    server = world.server(host=LINE_SERVER, media_host=LINE_SERVER)
    phone = world.phone(server, within=away.viewer)
    page = world.watch(world.browser(home.viewer), server.watch_url(CHANNEL))
    before = server.peers(CHANNEL, "publisher")[-1]["id"]
    time.sleep(random.Random(seed).uniform(0, 2))
    moment, began = Moment(page), now_ms()
    network, _, host = away.address.rpartition(".")
    away.viewer.run("ip", "address", "del", f"{away.address}/24", "dev", "eth0")
    away.viewer.run("ip", "address", "add", f"{network}.{int(host) + 1}/24", "dev", "eth0")
    away.viewer.run("ip", "route", "replace", "default", "via", f"{network}.1")
    freeze = moment.longest_freeze_s(began)
    same = server.peers(CHANNEL, "publisher")[-1]["id"] == before
    retries = [str(event.get("reason")) for event in phone.events("retrying")]
    return Measured(
        {"freeze": freeze, "sessions that the viewer had to open": moment.more_sessions()},
        f"{'the same' if same else 'another'} publisher session; {'; '.join(retries)}"[:200],
    )


HOME = (*NETWORKS, "conntrack")
ROWS = (
    Row(
        "NAT rebind of the publisher",
        FAMILY,
        (Target("freeze", 1, "s"), SESSIONS),
        publisher_rebind,
        HOME,
        cores=BUSY,
    ),
    Row(
        "NAT rebind of a viewer",
        FAMILY,
        (Target("freeze", 1, "s"), SESSIONS),
        viewer_rebind,
        HOME,
        cores=BUSY,
    ),
    Row(
        "handover to another address",
        FAMILY,
        (Target("freeze", 3, "s"), SESSIONS),
        new_address,
        NETWORKS,
        cores=BUSY,
    ),
)
