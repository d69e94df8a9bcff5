"""The page of a recording in a real browser, as `window.sluice` tells it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from playwright.sync_api import Page

from tests.journeys.waiting import until


class VodPage:
    """One tab."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self, url: str) -> VodPage:
        self.page.goto(url)
        self.until("what is known of it", lambda: self.page.evaluate("() => !!window.sluice?.vod"))
        return self

    def get(self, name: str) -> Any:
        """A value of the surface."""
        return self.page.evaluate(f"() => window.sluice.{name}")

    def play(self) -> None:
        self.page.evaluate("() => window.sluice.play()")
        self.until("it plays", lambda: self.get("state") == "playing" and not self.get("paused"))

    def seek(self, ms: float) -> None:
        self.page.evaluate("(ms) => window.sluice.seek(ms)", ms)

    @property
    def counters(self) -> Sequence[int]:
        """Of the stamped frames, in the order in which they were shown. Needs `?stamps`."""
        found: list[int] = self.page.evaluate("() => window.sluice.frames.map((f) => f.counter)")
        return found

    def until(self, what: str, look: Callable[[], object], within_s: float = 15) -> None:
        """Wait for anything of this page; a TimeoutError tells how the page was then."""
        try:
            until(what, look, within_s)
        except TimeoutError as error:
            text = self.page.inner_text("body")
            names = ("state", "positionMs", "durationMs", "bufferedMs", "ended")
            player = self.page.evaluate(
                "(names) => names.map((name) => [name, window.sluice?.[name]])", names
            )
            raise TimeoutError(f"{error}; {dict(player)}; the page: {text[:2_000]}") from None
