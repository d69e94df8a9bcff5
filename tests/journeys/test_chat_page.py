"""One room for viewers by WebRTC and by LL-HLS: one order, on each one's own time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import quantiles

import pytest
from playwright.sync_api import Browser

from tests.journeys.chat_page import ChatPage
from tests.journeys.phone import Phone
from tests.journeys.server import SluiceServer
from tests.journeys.watch_page import Frame, WatchPage

pytestmark = pytest.mark.browser

MESSAGES = 20
WEBRTC_P95_MS = 250
HLS_P95_MS = 500


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SluiceServer]:
    """One in which guests may write."""
    with SluiceServer(tmp_path / "server", settings={"chat": {"guests": "write"}}) as server:
        yield server
        print(server.log())


@pytest.fixture
def rooms(server: SluiceServer, browser: Browser) -> Iterator[tuple[ChatPage, ChatPage]]:
    """The chat of Ada, who watches by WebRTC, and of Bob, who watches by LL-HLS."""
    key = server.create_channel("lina")
    # A browser is one person: two profiles it takes.
    profiles = [browser.new_context(), browser.new_context()]
    with Phone(server, "lina", key):
        server.await_live("lina")
        near, far = (ChatPage(WatchPage(profile.new_page())) for profile in profiles)
        for room, name, transport in ((near, "Ada", "webrtc"), (far, "Bob", "llhls")):
            room.page.goto(f"{server.watch_url('lina')}?transport={transport}")
            room.join(name)
            room.page.click("#start")
            room.watch.await_state("playing", within_s=40)
        near.await_transport("webrtc")
        far.await_transport("websocket")
        yield near, far
    for profile in profiles:
        profile.close()


def test_a_message_comes_when_its_frame_is_on_each_screen(rooms: tuple[ChatPage, ChatPage]) -> None:
    near, far = rooms
    late: dict[ChatPage, list[float]] = {near: [], far: []}
    for number in range(MESSAGES):
        text = f"at frame, {number}"
        seen = near.say(text)
        assert seen is not None
        for room in rooms:
            shown = room.await_line(text)
            frame = shown_from(room.watch, seen)
            late[room].append(shown.shown_ms - frame.shown_ms)
    print("late after the frame, ms:", [sorted(map(round, late[room])) for room in rooms])
    assert p95(late[near]) <= WEBRTC_P95_MS, late[near]
    assert p95(late[far]) <= HLS_P95_MS, late[far]
    assert min(late[far]) >= -60, "nothing is told before it is seen"


def test_both_see_one_order(rooms: tuple[ChatPage, ChatPage]) -> None:
    near, far = rooms
    for number in range(5):
        near.say(f"near {number}")
        far.say(f"far {number}")
    for room in rooms:
        room.await_line("near 4")
        room.await_line("far 4")
    assert [one.seq for one in near.shown] == [one.seq for one in far.shown]
    assert near.lines == far.lines


def test_a_viewer_who_changes_over_misses_nothing_and_gets_nothing_twice(
    rooms: tuple[ChatPage, ChatPage],
) -> None:
    near, far = rooms
    far.say("before")
    near.await_line("before")
    near.page.evaluate("window.sluice.seek(Date.now() - 8000)")  # only HLS can go back
    near.await_transport("websocket")
    far.say("meanwhile")
    near.page.evaluate("window.sluice.goLive()")
    near.await_transport("webrtc")
    near.await_line("meanwhile")
    assert near.lines == ["before", "meanwhile"]


def shown_from(watch: WatchPage, capture_ms: float) -> Frame:
    """The first frame on the screen that was captured then or later: a busy browser skips one
    now and then."""
    found: list[Frame] = []

    def there() -> bool:
        found[:] = [one for one in watch.frames().frames if one.capture_ms >= capture_ms - 1]
        return bool(found)

    watch.until("the frame", there, within_s=20)
    return found[0]


def p95(values: list[float]) -> float:
    return quantiles(values, n=20)[-1]
