"""What somebody says is written over the picture, over WebRTC too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.phone import Phone
from tests.journeys.server import SluiceServer
from tests.journeys.test_captions import SETTINGS, WORDS, heard
from tests.journeys.watch_page import WatchPage

pytestmark = [pytest.mark.browser, pytest.mark.needs("espeak-ng")]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SluiceServer]:
    with SluiceServer(tmp_path / "server", settings=SETTINGS) as server:
        yield server
        print(server.log())


def shown(page: WatchPage) -> list[str]:
    return [one["text"] for one in page.page.evaluate("window.sluice.captions.shown")]


@pytest.mark.parametrize("transport", ["webrtc", "llhls", "hls"])
def test_words_are_shown_over_the_picture(
    server: SluiceServer, watch_page: WatchPage, transport: str
) -> None:
    key = server.create_channel("lina")
    with Phone(server, "lina", key, audio="speech"):
        server.await_live("lina")
        watch_page.open(f"{server.watch_url('lina')}?transport={transport}")
        page = watch_page.page
        watch_page.await_state("playing", 40)
        button = page.get_by_role("button", name="Captions")
        button.wait_for(timeout=30_000)  # hidden until it is known that there are any
        assert shown(watch_page) == []
        page.keyboard.press("c")
        watch_page.until("the words", lambda: heard(shown(watch_page)) & WORDS, 30)
        assert page.evaluate("window.sluice.transport") == transport
        assert button.get_attribute("aria-pressed") == "true"
        tracks = "document.querySelectorAll('video track').length + video.textTracks.length"
        assert page.evaluate(tracks) == 0  # no player has captions of its own

        page.reload()
        page.click("#start")
        watch_page.until("the words again", lambda: heard(shown(watch_page)), 40)
        button.click()
        watch_page.until("no words", lambda: page.inner_text("#captionlines") == "", 5)
        assert page.evaluate("localStorage.getItem('sluice.captions')") is None
