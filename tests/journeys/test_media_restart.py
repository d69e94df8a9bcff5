"""The media plane is killed, or hangs: another takes its place, and everybody comes back."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import pytest
from playwright.sync_api import WebSocket

from tests.journeys.chat_page import ChatPage
from tests.journeys.phone import Phone
from tests.journeys.server import SluiceServer
from tests.journeys.studio_page import StudioPage
from tests.journeys.waiting import until
from tests.journeys.watch_page import WatchPage

pytestmark = pytest.mark.browser

SETTINGS = {"media": {"process": "own"}, "chat": {"guests": "write"}}


def playlist(server: SluiceServer) -> list[str]:
    with urlopen(server.live_url("lina", "source/index.m3u8"), timeout=10) as answer:
        lines: list[str] = answer.read().decode().splitlines()
    return lines


def peers(server: SluiceServer) -> set[object]:
    return {peer["id"] for role in ("publisher", "viewer") for peer in server.peers("lina", role)}


def restarts(server: SluiceServer) -> float:
    return server.metric("sluice_media_restarts_total")


def is_up(server: SluiceServer) -> bool:
    return restarts(server) == 1 and server.metric("sluice_media_up") == 1


def test_phone_viewers_hls_and_chat_outlive_a_killed_media_plane(
    tmp_path: Path, new_watch_page: Callable[[], WatchPage]
) -> None:
    with SluiceServer(tmp_path, settings=SETTINGS) as server:
        key = server.create_channel("lina")
        with Phone(server, "lina", key):
            near, far = new_watch_page(), new_watch_page()
            room = ChatPage(far)
            sockets: list[WebSocket] = []
            far.page.on("websocket", lambda socket: sockets.append(socket))
            near.open(server.watch_url("lina"))
            far.open(f"{server.watch_url('lina')}?transport=llhls")
            before = near.await_frames(30).frames[-1]
            far.await_frames(30, within_s=40)
            room.await_transport("websocket")
            room.join("Bob")
            room.say("before")
            room.await_line("before")
            server.await_segments("lina", 3)
            name = next(line for line in playlist(server) if line.startswith("#EXT-X-MAP"))
            before_peers, line = peers(server), sockets[-1]

            os.kill(server.media_pid, signal.SIGKILL)
            killed = time.monotonic()
            until("another media plane", lambda: is_up(server), 5)
            print(f"up after {time.monotonic() - killed:.2f} s")
            until("the viewer is back", lambda: server.peers("lina", "viewer"), 10)
            print(f"viewer back after {time.monotonic() - killed:.2f} s")
            room.say("meanwhile")
            room.await_line("meanwhile")
            after = near.await_frames(60, since=before, within_s=40)
            print(f"pictures back after {time.monotonic() - killed:.2f} s")
            near.await_state("playing")
            assert after.goes_forward

            last = far.frames().frames[-1]
            far.await_frames(60, since=last, within_s=40)
            until("the cut", lambda: "#EXT-X-DISCONTINUITY" in playlist(server), 20)
            assert name in playlist(server)
            now = peers(server)
            assert len(now) == 2
            assert not now & before_peers
            assert sockets[-1] is line
            assert not line.is_closed()
            print(server.log())


def test_a_media_plane_that_hangs_is_replaced_and_the_studio_comes_back(
    tmp_path: Path, studio_page: StudioPage, watch_page: WatchPage
) -> None:
    with SluiceServer(tmp_path, settings=SETTINGS) as server:
        key = server.create_channel("lina")
        studio_page.open(server.studio_url("lina", key)).go_live("card", "H264")
        watch_page.open(server.watch_url("lina"))
        before = watch_page.await_frames(30).frames[-1]
        os.kill(server.media_pid, signal.SIGSTOP)
        stopped = time.monotonic()
        until("another media plane", lambda: is_up(server), 10)
        print(f"up after {time.monotonic() - stopped:.2f} s")
        after = watch_page.await_frames(60, since=before, within_s=40)
        print(f"pictures back after {time.monotonic() - stopped:.2f} s")
        watch_page.await_state("playing")
        assert after.goes_forward
        assert studio_page.state == "live"
        print(server.log())
