"""The studio in a real browser."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.journeys.waiting import until
from tests.journeys.watch_page import RECORD_CONNECTIONS

LIMIT_SOUND = """async (bps) => {
  const senders = window.connections.at(-1).getSenders();
  const sound = senders.find(({ track }) => track?.kind === "audio");
  const parameters = sound.getParameters();
  parameters.encodings[0].maxBitrate = bps;
  await sound.setParameters(parameters);
}"""


class StudioPage:
    """One tab on /studio."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.add_init_script(RECORD_CONNECTIONS)

    def open(self, url: str) -> StudioPage:
        """`url` carries channel and key in its fragment."""
        self.page.goto(url)
        return self

    def go_live(self, source: str, codec: str, lines: int = 360) -> None:
        """Press the button and wait until it is on air. `source`: card or camera; `codec` as
        the page offers it, such as H264. Raises TimeoutError with what the page says."""
        self.page.check(f"input[value={source}]", force=True)
        self.page.select_option("#lines", str(lines))
        self.page.select_option("#codec", codec)
        self.page.click("#go")
        try:
            until("studio live", lambda: self.state == "live", 20)
        except TimeoutError as error:
            raise TimeoutError(f"{error}: {self.page.inner_text('main')}") from None

    def limit_sound(self, bps: int) -> None:
        """Send the sound with at most so many bits a second."""
        self.page.evaluate(LIMIT_SOUND, bps)

    def stop(self) -> None:
        self.page.click("#go")

    @property
    def codecs(self) -> list[str]:
        """The video codecs that this browser can send."""
        found: list[str] = self.page.evaluate(
            "[...document.getElementById('codec').options].map((option) => option.value)"
        )
        return [codec for codec in found if codec]

    @property
    def state(self) -> str:
        return str(self.page.evaluate("document.body.dataset.state"))

    @property
    def alert(self) -> str:
        return self.page.inner_text("#alert")
