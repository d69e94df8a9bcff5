"""A real server and a real browser for journeys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.journeys.screenshots import CHROMIUM, FLAGS
from tests.journeys.server import SluiceServer
from tests.journeys.studio_page import StudioPage
from tests.journeys.watch_page import WatchPage


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium a file. Not one a run: as long as it is open, Playwright keeps an event loop
    in this thread, and then pytest-asyncio could not run the async tests of other folders."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh profile. A test fails when a script in any of its pages did."""
    context = browser.new_context()
    broken: list[str] = []
    context.on("weberror", lambda error: broken.append(str(error.error)))
    context.on("console", lambda message: broken.extend(_violations(message.text)))
    yield context
    context.close()
    assert broken == []


@pytest.fixture
def new_watch_page(context: BrowserContext) -> Callable[[], WatchPage]:
    """Makes tabs for watching."""
    return lambda: WatchPage(context.new_page())


@pytest.fixture
def watch_page(new_watch_page: Callable[[], WatchPage]) -> WatchPage:
    return new_watch_page()


@pytest.fixture
def studio_page(context: BrowserContext) -> StudioPage:
    return StudioPage(context.new_page())


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SluiceServer]:
    """Its log is shown with a test that fails."""
    with SluiceServer(tmp_path / "server") as server:
        yield server
        print(server.log())


def _violations(text: str) -> list[str]:
    return [text] if "Content Security Policy" in text else []
