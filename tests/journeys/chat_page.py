"""The chat of a watch page in a real browser, as people use it and as the page tells it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from playwright.sync_api import Page

from tests.journeys.watch_page import WatchPage

SUBMIT = """() => {
  const seen = window.sluice.frames.at(-1)?.captureMs ?? null;
  document.querySelector("#chat form.write").requestSubmit();
  return seen;
}"""


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry that came into view. Times are Unix ms on the server's clock."""

    seq: int
    kind: str
    text: str
    t: int
    shown_ms: float
    position_ms: float | None


class ChatPage:
    """The room beside a watch page's picture."""

    def __init__(self, watch: WatchPage) -> None:
        self.watch = watch
        self.page: Page = watch.page

    # --- what it shows

    @property
    def status(self) -> str:
        return str(self.page.evaluate("window.sluice.chat.status"))

    @property
    def transport(self) -> str | None:
        """`webrtc`, `websocket`, or None while it is not in the room."""
        found: str | None = self.page.evaluate("window.sluice.chat.transport")
        return found

    @property
    def shown(self) -> Sequence[Shown]:
        """What came into view, in that order; about the last 600."""
        found = self.page.evaluate("window.sluice.chat.shown")
        return [
            Shown(one["seq"], one["kind"], one["text"], one["t"], one["shownMs"], one["positionMs"])
            for one in found
        ]

    @property
    def lines(self) -> Sequence[str]:
        """The texts of the messages that stand there, oldest first."""
        return self.page.locator("#chat .message .said").all_inner_texts()

    # --- what people do

    def join(self, name: str) -> None:
        """Take a name as a guest."""
        self.await_status("in")
        self.page.fill("#chat .guest input", name)
        self.page.click("#chat .guest button")
        self.page.locator(f"#chat textarea[placeholder$='as {name}']").wait_for()

    def write(self, text: str) -> None:
        """Into the composer, without sending it."""
        self.page.locator("#chat form.write textarea").fill(text)

    def send(self) -> float | None:
        """What was written; when the frame was captured that was on the screen then."""
        seen: float | None = self.page.evaluate(SUBMIT)
        return seen

    def say(self, text: str) -> float | None:
        self.write(text)
        return self.send()

    # --- waiting

    def await_status(self, status: str, within_s: float = 20) -> None:
        self.watch.until(f"chat {status}", lambda: self.status == status, within_s)

    def await_transport(self, transport: str, within_s: float = 20) -> None:
        self.watch.until(f"chat by {transport}", lambda: self.transport == transport, within_s)

    def await_line(self, text: str, within_s: float = 20) -> Shown:
        """The entry with this text, once it came into view."""
        found: list[Shown] = []

        def there() -> bool:
            found[:] = [one for one in self.shown if one.text == text]
            return bool(found)

        self.watch.until(f"the line {text!r}", there, within_s)
        return found[0]
