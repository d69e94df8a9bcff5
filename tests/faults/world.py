"""Where one row happens: servers, networks, publishers and browsers, all of which end with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from playwright.sync_api import Browser, sync_playwright

from tests.faults.processes import Tree
from tests.journeys.access_lines import AccessLines, program_in
from tests.journeys.netns import HomeNetwork, Namespace
from tests.journeys.phone import Phone
from tests.journeys.screenshots import CHROMIUM, FLAGS
from tests.journeys.server import Section, SluiceServer
from tests.journeys.watch_page import WatchPage

T = TypeVar("T")
CHANNEL = "lina"
UNLIMITED: Section = {
    "ip_rate": 10_000,
    "ip_burst": 10_000,
    "channel_rate": 10_000,
    "channel_burst": 10_000,
    "loop_lag_ms": 60_000,
    "sse_per_ip": 1_000,
}
"""Limits that one address would run into that stands for many."""


class World:
    """Use it with `with`: what was entered last ends first, however the row goes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stack = ExitStack()

    def enter(self, part: AbstractContextManager[T]) -> T:
        """Begin something that ends with the world."""
        return self._stack.enter_context(part)

    def at_the_end(self, do: Callable[[], object]) -> None:
        self._stack.callback(do)

    # --- networks

    def lines(self, count: int) -> AccessLines:
        """A server's network and so many access lines. The calling thread is in the former."""
        lines = self.enter(AccessLines(count))
        self.enter(lines.server.entered())
        return lines

    def home(self) -> HomeNetwork:
        """A home router, and others outside. The calling thread is in the server's network."""
        home = self.enter(HomeNetwork())
        self.enter(home.server.entered())
        return home

    def alone(self) -> Namespace:
        """A network without anybody else, and the calling thread in it."""
        namespace = Namespace()
        self._stack.callback(namespace.close)
        self.enter(namespace.entered())
        return namespace

    # --- parts

    def server(
        self,
        settings: Mapping[str, Section] | None = None,
        *,
        host: str = "127.0.0.1",
        media_host: str = "127.0.0.1",
        workers: int = 2,
        prefix: Sequence[str] = (),
        unlimited: bool = False,
    ) -> SluiceServer:
        """One that runs. `unlimited`: a single address may ask as often as it likes."""
        # Each part that can die is a process that can be killed.
        sections: dict[str, Section] = {"media": {"process": "own"}}
        if unlimited:
            sections["limits"] = UNLIMITED
        for name, section in (settings or {}).items():
            sections[name] = {**sections.get(name, {}), **section}
        server = SluiceServer(
            self.folder / "server",
            host=host,
            media_host=media_host,
            workers=workers,
            settings=sections,
            prefix=prefix,
        )
        return self.enter(server)

    def tree(self, server: SluiceServer) -> Tree:
        return Tree(server.pid)

    def phone(
        self,
        server: SluiceServer,
        codec: str = "h264",
        size: str = "640x360",
        within: Namespace | None = None,
    ) -> Phone:
        """Publishes to CHANNEL, which is made now, from a network; live when this returns."""
        key = server.create_channel(CHANNEL)
        if within is None:
            phone = Phone(server, CHANNEL, key, codec, size)
        else:
            with within.entered():
                phone = Phone(server, CHANNEL, key, codec, size)
        self._stack.callback(phone.kill)
        server.await_live(CHANNEL)
        return phone

    def browser(self, within: Namespace | None = None) -> Browser:
        """Chromium, in a network. One a world: Playwright keeps a loop in the calling thread."""
        playwright = self.enter(sync_playwright())
        program: str | Path = CHROMIUM
        if within is not None:
            program = program_in(within, CHROMIUM, self.folder)
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        self._stack.callback(browser.close)
        return browser

    def watch(self, browser: Browser, url: str) -> WatchPage:
        """A tab that plays."""
        page = WatchPage(browser.new_page()).open(url)
        page.await_state("playing")
        page.await_frames(30)
        return page

    # --- life

    def __enter__(self) -> World:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()
