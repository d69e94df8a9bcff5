"""A viewer at home whose router makes it hard: each way in that we promise is the only one left.

Browser, phone, server, TURN server and router have a network each (netns.py).
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.journeys.netns import OTHER_PORTS, PUBLIC, ROUTER, SERVER, TURN, HomeNetwork
from tests.journeys.phone import Phone
from tests.journeys.screenshots import CHROMIUM, FLAGS
from tests.journeys.server import SluiceServer
from tests.journeys.turn import PORT as TURN_PORT
from tests.journeys.turn import TurnServer
from tests.journeys.waiting import until
from tests.journeys.watch_page import WatchPage

pytestmark = [
    pytest.mark.browser,
    pytest.mark.netns,
    pytest.mark.needs("ip", "nft", "conntrack", "turnserver"),
]

WORKERS = 2
HURRY = 10
"""Shown frames after which the start has caught up with live."""
TWO_SECONDS = 60
"""Frames, at 30 a second."""
SEEN = 0.7
"""The page reads the stamp of a frame when it has the time; a busy machine leaves some unread."""
PATH_CHANGES = "sluice_engine_path_changes_total"
CHOSEN_PATH = """async () => {
  const report = await window.connections.at(-1).getStats();
  const transport = [...report.values()].find((stat) => stat.type === "transport");
  const pair = report.get(transport.selectedCandidatePairId);
  const local = report.get(pair.localCandidateId);
  return {
    relayed: local.candidateType === "relay",
    protocol: local.relayProtocol ?? local.protocol,
    server: report.get(pair.remoteCandidateId).address,
  };
}"""


# --- the rig itself


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
    assert {address for address, _ in seen} == {ROUTER}
    assert len({port for _, port in seen}) > 1


def test_the_router_blocks_what_it_was_not_told_to_let_through(network: HomeNetwork) -> None:
    network.allow(f"ip daddr {SERVER} udp dport 5000")
    with ExitStack() as stack:
        with network.server.entered():
            blocked, door = (stack.enter_context(_udp((SERVER, port))) for port in (5001, 5000))
        with network.viewer.entered():
            viewer = stack.enter_context(_udp(("0.0.0.0", 0)))
        viewer.sendto(b"blocked", blocked.getsockname())
        viewer.sendto(b"through", door.getsockname())
        assert door.recv(100) == b"through"
        blocked.setblocking(False)
        with pytest.raises(BlockingIOError):  # it was sent first: it would be here by now
            blocked.recv(100)


# --- ways in


def test_plays_over_udp_from_behind_a_symmetric_nat(
    network: HomeNetwork, watch_page: WatchPage, tmp_path: Path
) -> None:
    with on_air(network, tmp_path) as server:
        network.allow(web(server), media(server, "udp"))
        watch_page.open(server.watch_url("lina"))
        assert_plays(watch_page)
        assert path(watch_page) == {"relayed": False, "protocol": "udp", "server": SERVER}
        assert seen_address(server).startswith(f"udp:{ROUTER}:")


def test_plays_through_turn_when_the_media_port_is_blocked(
    network: HomeNetwork, watch_page: WatchPage, turn: TurnServer, tmp_path: Path
) -> None:
    with on_air(network, tmp_path, ice_servers=[turn.setting]) as server:
        network.allow(web(server), f"ip daddr {TURN} udp dport {TURN_PORT}")
        watch_page.open(server.watch_url("lina"))
        assert_plays(watch_page)
        assert path(watch_page) == {"relayed": True, "protocol": "udp", "server": SERVER}
        assert seen_address(server).startswith(f"udp:{TURN}:")


def test_plays_through_turn_over_tcp_when_udp_is_blocked(
    network: HomeNetwork, watch_page: WatchPage, turn: TurnServer, tmp_path: Path
) -> None:
    with on_air(network, tmp_path, ice_servers=[turn.setting]) as server:
        network.allow(web(server), f"ip daddr {TURN} tcp dport {TURN_PORT}")
        watch_page.open(server.watch_url("lina"))
        assert_plays(watch_page)
        assert path(watch_page) == {"relayed": True, "protocol": "tcp", "server": SERVER}
        assert seen_address(server).startswith(f"udp:{TURN}:")


def test_the_first_attempt_goes_through_turn_when_the_page_was_told_in_time(
    network: HomeNetwork, watch_page: WatchPage, turn: TurnServer, tmp_path: Path
) -> None:
    with on_air(network, tmp_path, ice_servers=[turn.setting], access="token") as server:
        network.allow(web(server), f"ip daddr {TURN} udp dport {TURN_PORT}")
        url = f"{server.watch_url('lina')}?token={server.viewer_token('lina', 600)}"
        with watch_page.page.expect_response(lambda answer: answer.request.method == "OPTIONS"):
            watch_page.page.goto(url)
        watch_page.page.click("#start")
        assert_plays(watch_page)
        assert path(watch_page) == {"relayed": True, "protocol": "udp", "server": SERVER}
        assert server.metric("sluice_ice_restarts_total") == 0


def test_plays_over_tcp_without_turn_when_udp_is_blocked(
    network: HomeNetwork, watch_page: WatchPage, tmp_path: Path
) -> None:
    with on_air(network, tmp_path) as server:
        network.allow(web(server), media(server, "tcp"))
        watch_page.open(server.watch_url("lina"))
        assert_plays(watch_page)
        assert path(watch_page) == {"relayed": False, "protocol": "tcp", "server": SERVER}
        assert seen_address(server).startswith(f"tcp:{ROUTER}:")


def test_plays_from_a_server_behind_a_one_to_one_nat(
    network: HomeNetwork, watch_page: WatchPage, tmp_path: Path
) -> None:
    with on_air(network, tmp_path, public_addresses=[PUBLIC]) as server:
        network.allow(web(server), media(server, "udp"), public=True)
        watch_page.open(server.watch_url("lina").replace(SERVER, PUBLIC))
        assert_plays(watch_page)
        assert path(watch_page) == {"relayed": False, "protocol": "udp", "server": PUBLIC}


# --- the way changes


@pytest.mark.parametrize("relayed", [False, True], ids=["direct", "relayed"])
def test_the_same_session_goes_on_when_the_router_takes_other_ports(
    network: HomeNetwork,
    watch_page: WatchPage,
    turn: TurnServer,
    tmp_path: Path,
    relayed: bool,
) -> None:
    with on_air(network, tmp_path, ice_servers=[turn.setting]) as server:
        door = f"ip daddr {TURN} udp dport {TURN_PORT}" if relayed else media(server, "udp")
        flows = [web(server), door]
        network.allow(*flows)
        watch_page.open(server.watch_url("lina"))
        assert_plays(watch_page)
        assert path(watch_page)["relayed"] is relayed
        (before,) = server.peers("lina", "viewer")
        changes = server.metric(PATH_CHANGES)

        network.allow(*flows, ports=OTHER_PORTS)
        network.forget_flows()
        watch_page.until("path change", lambda: server.metric(PATH_CHANGES) > changes, within_s=15)
        assert_plays(watch_page)

        (after,) = server.peers("lina", "viewer")
        assert after["id"] == before["id"]
        assert after["address"] != before["address"]
        assert (watch_page.joins, watch_page.connections) == (1, 1)


# --- words of this file


def web(server: SluiceServer) -> str:
    """The flows to the pages and the API, as HomeNetwork.allow wants them."""
    return f"ip daddr {SERVER} tcp dport {server.port}"


def media(server: SluiceServer, kind: str) -> str:
    """The flows to the media ports over "udp" or "tcp"."""
    return f"ip daddr {SERVER} {kind} dport {server.media_port}-{server.media_port + WORKERS - 1}"


@contextmanager
def on_air(
    network: HomeNetwork,
    folder: Path,
    *,
    ice_servers: Sequence[Mapping[str, object]] = (),
    public_addresses: Sequence[str] = (),
    access: str = "public",
) -> Iterator[SluiceServer]:
    """A server with a phone that streams to "lina"; inside we are in the server's network."""
    network.allow(public=bool(public_addresses))
    network.forget_flows()
    with network.server.entered():
        server = SluiceServer(
            folder / "server",
            host=SERVER,
            media_host=SERVER,
            workers=WORKERS,
            ice_servers=ice_servers,
            public_addresses=public_addresses,
        )
        with server:
            key = server.create_channel("lina", access)
            with network.phone.entered():
                phone = Phone(server, "lina", key)
            with phone:
                until("lina is live", lambda: server.state("lina")["live"], 20)
                yield server
            print(server.log())


def assert_plays(page: WatchPage) -> None:
    """From here on new frames are shown, two seconds of them, none of them out of order."""
    now = page.frames().frames[-1:]
    caught_up = page.await_frames(HURRY, since=now[0] if now else None).frames[-1]
    run = page.await_frames(TWO_SECONDS, since=caught_up)
    assert min(run.steps) >= 0
    assert run.seen_share >= SEEN
    assert page.state == "playing"


def path(page: WatchPage) -> Mapping[str, object]:
    """How the browser reaches the server, as it says itself."""
    found: Mapping[str, object] = page.page.evaluate(CHOSEN_PATH)
    return found


def seen_address(server: SluiceServer) -> str:
    """Where the server sends the only viewer's media: protocol, address and port."""
    (viewer,) = server.peers("lina", "viewer")
    return str(viewer["address"])


@pytest.fixture(scope="module")
def network() -> Iterator[HomeNetwork]:
    with HomeNetwork() as network:
        yield network


@pytest.fixture(scope="module")
def browser(network: HomeNetwork) -> Iterator[Browser]:
    """In place of the usual one: this one lives in the viewer's network."""
    with ExitStack() as stack:
        with network.viewer.entered():
            playwright = stack.enter_context(sync_playwright())
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def turn(network: HomeNetwork, tmp_path: Path) -> Iterator[TurnServer]:
    turn = TurnServer(tmp_path / "turn", TURN)
    with network.turn.entered():
        turn.start()
    with turn:
        yield turn
        print(turn.log())


def _udp(address: tuple[str, int]) -> socket.socket:
    """In the network of the calling thread."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.settimeout(5)
    made.bind(address)
    return made
