"""Who may watch, and for how long; and a viewer who comes before the publisher."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.journeys.phone import Phone
from tests.journeys.server import SluiceServer
from tests.journeys.waiting import until
from tests.journeys.watch_page import WatchPage

pytestmark = pytest.mark.browser

TOKEN_S = 6


def test_a_kicked_viewer_is_cut_off_and_the_others_stay(
    server: SluiceServer, new_watch_page: Callable[[], WatchPage]
) -> None:
    key = server.create_channel("lina")
    with Phone(server, "lina", key):
        kicked = new_watch_page().open(server.watch_url("lina"))
        kicked.await_state("playing")
        (peer,) = server.peers("lina", "viewer")
        stays = new_watch_page().open(server.watch_url("lina"))
        stays.await_state("playing")
        server.kick(peer["id"])
        # The channel is public, so the page may come in again; as somebody new.
        kicked.until("a new session", lambda: kicked.joins == 2, 15)
        assert peer["id"] not in [one["id"] for one in server.peers("lina", "viewer")]
        assert (stays.joins, stays.state) == (1, "playing")


def test_a_viewer_token_opens_a_closed_channel_until_it_expires(
    server: SluiceServer, watch_page: WatchPage
) -> None:
    key = server.create_channel("lina", access="token")
    with Phone(server, "lina", key):
        until("live", lambda: server.state("lina")["live"], 15)
        token = server.viewer_token("lina", TOKEN_S)
        watch_page.open(f"{server.watch_url('lina')}?token={token}")
        watch_page.await_frames(30)
        watch_page.until(
            "the server closes the session", lambda: not server.peers("lina", "viewer"), TOKEN_S + 5
        )
        watch_page.await_state("failed")
        assert watch_page.headline != ""
        assert watch_page.joins == 1


def test_a_closed_channel_stays_closed_without_a_token(
    server: SluiceServer, watch_page: WatchPage
) -> None:
    key = server.create_channel("lina", access="token")
    with Phone(server, "lina", key):
        until("live", lambda: server.state("lina")["live"], 15)
        watch_page.open(server.watch_url("lina"))
        watch_page.await_state("failed")
        assert watch_page.joins == 0
        assert server.peers("lina", "viewer") == []


def test_a_viewer_who_is_early_starts_by_itself(
    server: SluiceServer, watch_page: WatchPage
) -> None:
    key = server.create_channel("lina")
    watch_page.open(server.watch_url("lina"))
    watch_page.await_state("offline")
    assert watch_page.headline == "Offline"
    with Phone(server, "lina", key) as phone:
        watch_page.await_state("playing")
        phone.stop()
        watch_page.await_state("offline")
    with Phone(server, "lina", key):
        watch_page.await_state("playing")
