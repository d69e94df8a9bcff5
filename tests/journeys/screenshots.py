"""Take the pictures for the docs: the watch page and the studio, on a desktop and on a phone.

    python -m tests.journeys.screenshots
    python -m tests.journeys.screenshots --base http://127.0.0.1:8080 --channel demo

The first runs a Sluice of its own, on which the studio publishes its test card. In the second the
channel must be live already, unless a key lets the studio publish.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests.journeys.room_filler import fill
from tests.journeys.server import Section, SluiceServer

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream=fps=30",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
]
DESKTOP = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=390, height=844)
PLAYING = "window.sluice?.state === 'playing' && window.sluice.latencyMs !== null"
SPARKLINE = "document.getElementById('spark').points.numberOfItems >= 40"
TALKING = "window.sluice.chat.shown.length >= 5"
LIVE = "document.body.dataset.state === 'live'"
OUTGOING = "/\\d/.test(document.getElementById('o-size').textContent)"
WAIT_S = 40


def take(base: str, channel: str, key: str | None, folder: Path) -> list[Path]:
    """Write the pictures into `folder`. Raises TimeoutError when nothing plays."""
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []

    def shoot(page: Page, name: str) -> None:
        path = folder / f"{name}.png"
        page.screenshot(path=path)
        written.append(path)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        studio = open_studio(browser, DESKTOP, base, channel, key)
        for view, name in ((DESKTOP, "watch-desktop"), (PHONE, "watch-phone")):
            watch = open_watch(browser, view, base, channel)
            shoot(watch, name)
            watch.context.close()
        panel = open_watch(browser, DESKTOP, base, channel, figures=True)
        shoot(panel, "watch-figures")
        panel.context.close()
        shoot(studio, "studio-desktop")
        # The same tab at phone size: a second studio with the key would take over the channel.
        studio.set_viewport_size(PHONE)
        shoot(studio, "studio-phone")
        browser.close()
    return written


def open_watch(
    browser: Browser, view: ViewportSize, base: str, channel: str, figures: bool = False
) -> Page:
    """The watch page, playing, perhaps with the statistics open."""
    page = browser.new_context(viewport=view, color_scheme="dark").new_page()
    page.goto(f"{base}/watch/{quote(channel)}")
    page.click("#start")
    wait_until(page, PLAYING)
    wait_until(page, TALKING)
    if figures:
        page.keyboard.press("i")
        wait_until(page, SPARKLINE)
    page.mouse.move(view["width"] / 2, 150)  # shows the controls
    wait_until(page, "getComputedStyle(document.getElementById('controls')).opacity === '1'")
    return page


def open_studio(
    browser: Browser, view: ViewportSize, base: str, channel: str, key: str | None
) -> Page:
    """The studio with the test card: live when there is a key, else in the preview."""
    page = browser.new_context(viewport=view, color_scheme="dark").new_page()
    page.goto(f"{base}/studio#channel={quote(channel)}&key={quote(key or 'example-key')}")
    page.check("input[value=card]", force=True)
    page.select_option("#lines", "540")
    if key is None:
        page.click("#open")
        wait_until(page, "document.getElementById('preview').readyState >= 2")
        return page
    page.click("#go")
    wait_until(page, LIVE)
    wait_until(page, OUTGOING)
    return page


def wait_until(page: Page, condition: str) -> None:
    """Poll from here: the pages' CSP forbids the evaluation inside them that
    `wait_for_function` needs. Raises TimeoutError."""
    deadline = time.monotonic() + WAIT_S
    while not page.evaluate(f"Boolean({condition})"):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{page.url}: never came true: {condition}")
        page.wait_for_timeout(100)


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Take the screenshots of the docs, of a Sluice of their own by default."
    )
    parser.add_argument("--base", help="a running Sluice instead, http://127.0.0.1:8080")
    parser.add_argument("--channel", default="demo")
    parser.add_argument("--key", help="publish the studio's test card with this stream key")
    parser.add_argument("--out", type=Path, default=Path("docs"), help="folder to write into")
    wish = parser.parse_args()
    if wish.base:
        written = take(wish.base.rstrip("/"), wish.channel, wish.key, wish.out)
    else:
        settings: dict[str, Section] = {"chat": {"guests": "write"}, "money": {"provider": "fake"}}
        with (
            TemporaryDirectory() as folder,
            SluiceServer(Path(folder), settings=settings) as server,
        ):
            key = server.create_channel(wish.channel)
            fill(server.origin, wish.channel, key)
            written = take(server.origin, wish.channel, key, wish.out)
        from tests.journeys.device_screenshots import take_device  # they need this module
        from tests.journeys.vod_screenshots import take_replay

        written += take_device(wish.out)
        written += take_replay(wish.out)
    for path in written:
        print(path)


if __name__ == "__main__":
    main()
