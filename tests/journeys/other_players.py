"""Players that we did not write, in a real browser: hls.js, shaka and dash.js as they come."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Final, Literal
from urllib.parse import urlencode, urlsplit

from playwright.sync_api import Page

from tests.journeys.waiting import until

ROOT: Final = Path(__file__).resolve().parents[2]
PLAYERS: Final = Path(__file__).parent / "players"
MODULES: Final = ROOT / "node_modules"
FILES: Final = {
    "/lib/hls.mjs": MODULES / "hls.js/dist/hls.mjs",
    "/lib/shaka.js": MODULES / "shaka-player/dist/shaka-player.compiled.js",
    "/lib/dash.js": MODULES / "dashjs/dist/modern/umd/dash.all.min.js",
}

SEEKING_MS: Final = 10_000

Kind = Literal["hls", "llhls", "shaka", "dash"]


class PlayerServer:
    """Serves the page and the players' own files on a free port of loopback."""

    def __enter__(self) -> PlayerServer:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files))
        self._thread = Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def page(self, kind: Kind, url: str) -> str:
        query = urlencode({"player": kind, "url": url})
        return f"http://127.0.0.1:{self._server.server_port}/?{query}"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a player showed. Times in ms."""

    latencies: Sequence[float]
    """Glass to glass, of each stamped frame in order."""
    counters: Sequence[int]
    captured: Sequence[float]
    """Unix ms."""
    stalls: Sequence[tuple[float, float]]
    """Since the page was opened, and how long each took."""
    first_frame_ms: float | None
    errors: Sequence[str]
    ended: bool
    left_ms: float | None
    """Until the end; None while there is none."""

    def settled(self, share: float = 0.2) -> Sequence[float]:
        """Latencies without those of the first frames, when players still look for their place."""
        return self.latencies[int(len(self.latencies) * share) :]

    @property
    def late_stalls(self) -> int:
        """Those after the first ten seconds, in which players look for their place."""
        return sum(at > SEEKING_MS for at, _ in self.stalls)

    @property
    def median_ms(self) -> float:
        return statistics.median(self.settled())

    @property
    def p95_ms(self) -> float:
        return statistics.quantiles(self.settled(), n=20)[-1]


class OtherPlayer:
    """One tab that plays."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self, server: PlayerServer, kind: Kind, url: str) -> OtherPlayer:
        self.page.goto(server.page(kind, url))
        return self

    @property
    def seen(self) -> Seen:
        found = self.page.evaluate("window.player")
        frames = found["frames"]
        return Seen(
            latencies=[shown - captured for _, captured, shown in frames],
            counters=[counter for counter, _, _ in frames],
            captured=[captured for _, captured, _ in frames],
            stalls=[(at, took) for at, took in found["stalls"]],
            first_frame_ms=found["firstFrameMs"],
            errors=found["errors"],
            ended=found["ended"],
            left_ms=found["left"],
        )

    def until(self, what: str, look: Callable[[Seen], object], within_s: float) -> Seen:
        """Wait for anything of what it shows; a TimeoutError tells what it showed."""
        try:
            until(what, lambda: look(self.seen), within_s)
        except TimeoutError as error:
            seen = self.seen
            raise TimeoutError(
                f"{error}: {len(seen.counters)} frames, {seen.errors}, stalls {seen.stalls}"
            ) from None
        return self.seen


class _Files(SimpleHTTPRequestHandler):
    def translate_path(self, path: str) -> str:
        plain = urlsplit(path).path
        if plain in FILES:
            return str(FILES[plain])
        if plain.startswith("/static/"):
            return str(ROOT / "signaling/web" / plain.removeprefix("/static/").replace("..", ""))
        return str(PLAYERS / ("player.js" if plain == "/player.js" else "index.html"))

    def guess_type(self, path: object) -> str:
        scripts = (".js", ".mjs")
        return "text/javascript" if str(path).endswith(scripts) else "text/html"

    def log_message(self, format: str, *args: object) -> None:
        """The test's output is not the place."""
