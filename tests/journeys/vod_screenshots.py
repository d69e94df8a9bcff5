"""Takes the pictures of recordings in docs/: of a broadcast of its own, with people, words and
chapters."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.request import Request, urlopen

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests.journeys.phone import Phone
from tests.journeys.room_filler import fill
from tests.journeys.screenshots import CHROMIUM, DESKTOP, FLAGS, PHONE, wait_until
from tests.journeys.server import Section, SluiceServer
from tests.journeys.waiting import until

CHAPTERS: Final = ("Good morning", "The first round", "Questions")
CHAPTER_S: Final = 14
SETTINGS: Final[dict[str, Section]] = {
    "chat": {"guests": "write"},
    "money": {"provider": "fake"},
    "recorder": {"record": "always", "captions": {"engine": "pocketsphinx", "live": False}},
}


def take_replay(folder: Path) -> list[Path]:
    """Write the pictures into `folder`. Takes a minute and a half."""
    with (
        TemporaryDirectory() as place,
        SluiceServer(Path(place), settings=SETTINGS) as server,
        sync_playwright() as playwright,
    ):
        vod = _broadcast(server)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        written: list[Path] = []
        for view, name in ((DESKTOP, "vod-desktop"), (PHONE, "vod-phone")):
            page = _open(browser, view, f"{server.origin}/vod/{vod}?t={CHAPTER_S + 4}")
            wait_until(page, "window.sluice?.vod")
            page.evaluate("() => window.sluice.play()")
            wait_until(page, "window.sluice.state === 'playing' && !window.sluice.paused")
            wait_until(page, "window.sluice.chat?.shown.length >= 3")
            if view is DESKTOP:
                page.mouse.move(view["width"] * 0.4, 484)  # over the bar
            written.append(_shoot(page, folder, name))
        page = _open(browser, DESKTOP, f"{server.origin}/channel/demo")
        wait_until(page, "document.querySelectorAll('img').length > 0")
        written.append(_shoot(page, folder, "channel-desktop"))
        browser.close()
    return written


def _broadcast(server: SluiceServer) -> str:
    key = server.create_channel("demo")
    with Phone(server, "demo", key, size="1280x720", audio="speech"):
        server.await_live("demo")
        for number, text in enumerate(CHAPTERS):
            _mark(server, key, text)
            _record(server, CHAPTER_S)
            if number == 0:
                fill(server.origin, "demo", key)
    answer: Any = server.request("GET", "/api/channels/demo/vods")
    vod = str(answer["items"][0]["id"])

    def made() -> bool:
        found: Any = server.request("GET", f"/api/vods/{vod}")
        return bool(found["captions"]) and all(job["state"] == "done" for job in found["jobs"])

    until("everything is made", made, 120)
    return vod


def _record(server: SluiceServer, seconds: float) -> None:
    folder = server.folder / "storage" / "recordings"

    def size() -> int:
        return sum(one.stat().st_size for one in folder.glob("*/*.mp4"))

    wanted = size() + seconds * 100_000  # the phone sends a megabit a second
    until("more is recorded", lambda: size() >= wanted, 4 * seconds)


def _mark(server: SluiceServer, key: str, text: str) -> None:
    request = Request(
        f"{server.origin}/api/channels/demo/markers",
        method="POST",
        data=json.dumps({"text": text}).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )

    def marked() -> bool:
        try:
            urlopen(request, timeout=10).close()
        except OSError:
            return False  # the recording begins a moment after the broadcast
        return True

    until("a marker", marked, 10)


def _open(browser: Browser, view: ViewportSize, url: str) -> Page:
    page = browser.new_context(viewport=view, color_scheme="dark").new_page()
    page.goto(url)
    return page


def _shoot(page: Page, folder: Path, name: str) -> Path:
    path = folder / f"{name}.png"
    page.screenshot(path=path)
    page.context.close()
    return path
