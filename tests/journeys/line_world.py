"""A studio, a server and viewers with an access line each: three layers go out, one comes in.

The studio's browser is in the server's network, where a page may use the camera without HTTPS.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.journeys.access_lines import SERVER, AccessLine, AccessLines, program_in
from tests.journeys.netns import Namespace
from tests.journeys.presented import Presented
from tests.journeys.screenshots import CHROMIUM, FLAGS
from tests.journeys.server import SluiceServer
from tests.journeys.studio_page import StudioPage
from tests.journeys.waiting import until
from tests.journeys.watch_page import WatchPage

LINES = 540
WIDTHS = {"q": 240, "h": 480, "f": 960}
"""Of the three layers of 540 lines."""
SOUND_BPS = 24_000
"""Little, so that a narrow line has room for a picture beside it."""


@dataclass
class LineViewer:
    """The watch page behind an access line."""

    line: AccessLine
    page: WatchPage
    presented: Presented

    def watch(self, server: SluiceServer) -> None:
        """Play until the first picture and sound."""
        self.page.open(server.watch_url("lina").replace(server.host, SERVER))
        self.page.await_state("playing")
        self.page.until("picture and sound", lambda: self.presented.begun, 10)

    def settle(self, server: SluiceServer, rid: str, within_s: float) -> None:
        """It gets this layer: so say the server, the page and the picture itself."""
        seen: tuple[object, ...] = ()

        def settled() -> bool:
            nonlocal seen
            seen = (self.peer(server)["layer"], self.rid, self.width)
            return seen == (rid, rid, WIDTHS[rid])

        try:
            self.page.until(f"layer {rid}", settled, within_s)
        except TimeoutError as error:
            raise TimeoutError(f"{error}; {seen}; {self.peer(server)}") from None

    def choose(self, name: str) -> None:
        """By the menu, as a person does."""
        self.page.page.mouse.move(200, 200)  # wakes the controls
        self.page.page.click("#quality")
        self.page.page.get_by_role("menuitemradio", name=name).first.click()

    def peer(self, server: SluiceServer) -> dict[str, object]:
        """As the server sees it."""
        here = f":{self.line.address}:"
        (found,) = (one for one in server.peers("lina", "viewer") if here in str(one["address"]))
        return found

    @property
    def rid(self) -> object:
        return self.page.page.evaluate("window.sluice.rid")

    @property
    def width(self) -> object:
        return self.page.inbound("video").get("frameWidth")

    @property
    def quality(self) -> str | None:
        """What the menu's button says."""
        return self.page.page.get_attribute("#quality", "aria-label")

    @property
    def notice(self) -> str:
        return self.page.page.inner_text("#notice")


class LineWorld:
    """Networks and browsers, which outlive a test; pages and the server, which do not."""

    def __init__(self, viewers: int, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._network = self._stack.enter_context(AccessLines(viewers))
        playwright = self._stack.enter_context(sync_playwright())
        self._studio_browser = self._launch(playwright, self._network.server)
        self._browsers = [self._launch(playwright, line.viewer) for line in self._network.lines]

    def close(self) -> None:
        self._stack.close()

    @contextmanager
    def on_air(self, codec: str, folder: Path) -> Iterator[SluiceServer]:
        """A server on which a camera is sent in three layers, all of which flow; inside we are in
        its network, to ask it."""
        with ExitStack() as stack:
            stack.enter_context(self._network.server.entered())
            server = SluiceServer(folder / "server", host="0.0.0.0", media_host=SERVER)
            stack.enter_context(server)
            context = stack.enter_context(self._studio_browser.new_context())
            studio = StudioPage(context.new_page())
            studio.open(server.studio_url("lina", server.create_channel("lina")))
            studio.go_live("camera", codec, LINES)
            studio.limit_sound(SOUND_BPS)
            until("all layers flow", lambda: _flowing(server) == set(WIDTHS), 20)
            yield server
            print(server.log())

    @contextmanager
    def viewers(self) -> Iterator[Sequence[LineViewer]]:
        """A fresh tab behind each line. In the end all lines carry everything again, and it fails
        when a script of a page did."""
        broken: list[str] = []
        with ExitStack() as stack:
            found = []
            for line, browser in zip(self._network.lines, self._browsers, strict=True):
                stack.callback(line.widen)
                context = stack.enter_context(browser.new_context())
                context.on("weberror", lambda error: broken.append(str(error.error)))
                page = WatchPage(context.new_page())
                found.append(LineViewer(line, page, Presented(page.page)))
            yield found
        assert broken == []

    def _launch(self, playwright: Playwright, place: Namespace) -> Browser:
        program = program_in(place, CHROMIUM, self._folder)
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        self._stack.callback(browser.close)
        return browser


def _flowing(server: SluiceServer) -> set[str]:
    """The layers with pictures of a known size."""
    layers = server.state("lina")["layers"]
    assert isinstance(layers, list)
    return {str(one["rid"]) for one in layers if one["active"] and one["width"]}
