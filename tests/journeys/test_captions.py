"""Somebody speaks, and it is written down: while it is live, and afterwards, where it is found."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from playwright.sync_api import BrowserContext

from recorder.captions import vtt
from tests.journeys.phone import Phone
from tests.journeys.server import SluiceServer
from tests.journeys.test_vod import await_replay
from tests.journeys.vod_page import VodPage
from tests.journeys.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.needs("espeak-ng")]

SETTINGS: dict[str, dict[str, object]] = {
    "recorder": {"record": "always", "captions": {"engine": "pocketsphinx"}}
}
WORDS = {"welcome", "people"}
"""Of what the phone says (mobile_sim/sound.py); an engine may mishear others."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SluiceServer]:
    with SluiceServer(tmp_path / "server", settings=SETTINGS) as server:
        yield server
        print(server.log())


@pytest.fixture
def vod_page(context: BrowserContext) -> VodPage:
    return VodPage(context.new_page())


def fetch(url: str) -> str:
    """Empty where there is nothing yet."""
    try:
        with urlopen(url, timeout=10) as answer:
            text: str = answer.read().decode()
    except HTTPError:
        return ""
    return text


def live_cues(server: SluiceServer) -> list[tuple[str, str]]:
    """(time, text) of the captions' rendition, as far as its playlist goes."""
    folder = server.live_url("lina", "captions-en/")
    names = re.findall(r"^[^#].*\.vtt$", fetch(f"{folder}index.m3u8"), re.MULTILINE)
    found: dict[str, str] = {}
    for name in names:
        for block in fetch(folder + name).split("\n\n")[1:]:
            time, _, text = block.strip().partition("\n")
            if "-->" in time:
                found[time] = text
    return sorted(found.items())


def heard(texts: list[str]) -> set[str]:
    return {word for text in texts for word in re.findall("[a-z]+", text.lower())}


def heard_all(server: SluiceServer) -> list[tuple[str, str]] | None:
    cues = live_cues(server)
    return cues if heard([text for _, text in cues]) >= WORDS else None


def test_words_are_shown_live_and_found_afterwards(server: SluiceServer, vod_page: VodPage) -> None:
    key = server.create_channel("lina")
    with Phone(server, "lina", key, audio="speech"):
        server.await_live("lina")
        shown = until("the words in HLS", lambda: heard_all(server), 120)
        master = fetch(server.live_url("lina"))
    assert 'TYPE=SUBTITLES,GROUP-ID="captions"' in master
    times = [time.partition(" ")[0] for time, _ in shown]
    assert all(before < after for before, after in pairwise(times))

    vod = await_replay(server)

    def captioned() -> Any:
        answer: Any = server.request("GET", f"/api/vods/{vod['id']}")
        kinds = [one["kind"] for one in answer["captions"]]
        return answer["captions"][0] if kinds == ["final"] else None

    track = until("captions of the whole", captioned, 150)
    cues = vtt.read(fetch(server.origin + track["vtt"]).encode())
    assert all(before.to_ms <= after.from_ms for before, after in pairwise(cues))
    assert heard([cue.text for cue in cues]) >= WORDS

    vod_page.open(f"{server.origin}/vod/{vod['id']}")
    page = vod_page.page
    page.get_by_role("tab", name="Transcript").click()
    page.get_by_label("Find a word in what was said").fill("PEOPLE")
    found = until("a find", lambda: finds(vod_page), 15)
    page.locator("#words ol button").first.click()
    at_ms = found[0]["atMs"]
    vod_page.until("the jump", lambda: abs(vod_page.get("positionMs") - at_ms) < 1_500)
    assert any(cue.from_ms == at_ms and "people" in cue.text.lower() for cue in cues)


def finds(page: VodPage) -> Any:
    lines = page.get("lines")
    return lines if lines and all("people" in one["text"].lower() for one in lines) else None
