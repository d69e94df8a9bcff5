"""The watch page in a real browser, as `window.sluice` and the browser's own figures tell it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from playwright.sync_api import Page

from tests.journeys.waiting import until

# The page keeps its connection to itself; the browser's figures are the witness we trust more.
RECORD_CONNECTIONS = """
window.connections = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...given) { super(...given); window.connections.push(this); }
};
"""
INBOUND = """async (kind) => {
  const report = await window.connections.at(-1).getStats();
  return [...report.values()].find((stat) => stat.type === "inbound-rtp" && stat.kind === kind);
}"""
CODEC = """async () => {
  const report = await window.connections.at(-1).getStats();
  const video = [...report.values()].find((s) => s.type === "inbound-rtp" && s.kind === "video");
  return report.get(video?.codecId)?.mimeType.split("/")[1] ?? null;
}"""
COUNTERS = 1 << 16
FPS = 30
SEEN_SHARE = 0.95
"""A busy browser skips a frame now and then; it says so to nobody but our counters."""
LONGEST_SKIP = FPS // 3


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame that was shown, by its stamp. Times are Unix ms on the server's clock."""

    counter: int
    capture_ms: float
    shown_ms: float
    latency_ms: float


@dataclass(frozen=True, slots=True)
class Run:
    """Frames in the order they were shown."""

    frames: Sequence[Frame]

    @property
    def steps(self) -> list[int]:
        """From each counter to the next: 1 where nothing is missing, negative where it goes back.

        0 follows a 2 now and then: the page was late with one callback and found the next
        picture already on the screen.
        """
        half = COUNTERS // 2
        return [
            (later.counter - earlier.counter + half) % COUNTERS - half
            for earlier, later in zip(self.frames, self.frames[1:], strict=False)
        ]

    @property
    def goes_forward(self) -> bool:
        return all(step >= 0 for step in self.steps)

    def has_whole_stretch(self, count: int) -> bool:
        """Of some `count` frames that were sent in a row, `SEEN_SHARE` were shown."""
        shown = [step > 0 for step in self.steps]
        sent = [0, *accumulate(self.steps)]
        seen = [0, *accumulate(shown)]
        return any(
            seen[last] - seen[first] >= SEEN_SHARE * (sent[last] - sent[first])
            for first in range(len(sent))
            if (last := bisect_left(sent, sent[first] + count)) < len(sent)
        )

    @property
    def seen_share(self) -> float:
        """Of the counters between the first and the last frame, how many were shown: 0 to 1."""
        steps = self.steps
        seen, span = sum(step > 0 for step in steps), sum(steps)
        return seen / span if span > 0 else 0.0


class WatchPage:
    """One tab on /watch. The page's CSP forbids `wait_for_function`: we look from outside."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.add_init_script(RECORD_CONNECTIONS)

    def open(self, url: str) -> WatchPage:
        """Go there and press play."""
        self.page.goto(url)
        self.page.click("#start")
        return self

    # --- what it shows

    @property
    def state(self) -> str:
        return str(self.page.evaluate("window.sluice.state"))

    @property
    def joins(self) -> int:
        """Sessions opened so far."""
        return int(self.page.evaluate("window.sluice.joins"))

    @property
    def connections(self) -> int:
        """RTCPeerConnections made so far."""
        return int(self.page.evaluate("window.connections.length"))

    @property
    def first_frame_ms(self) -> float | None:
        found: float | None = self.page.evaluate("window.sluice.firstFrameMs")
        return found

    @property
    def headline(self) -> str:
        return self.page.inner_text("#headline")

    def frames(self, since: Frame | None = None) -> Run:
        """The stamped frames that the page remembers (about the last 600), or those captured
        after `since`."""
        found = self.page.evaluate("window.sluice.frames")
        frames = [
            Frame(one["counter"], one["captureMs"], one["shownMs"], one["latencyMs"])
            for one in found
        ]
        after = since.capture_ms if since else 0
        return Run([frame for frame in frames if frame.capture_ms > after])

    def inbound(self, kind: str) -> Mapping[str, float]:
        """The browser's `inbound-rtp` statistics for "video" or "audio", of the newest session."""
        found = self.page.evaluate(INBOUND, kind)
        assert isinstance(found, dict)
        return found

    def echo(self, text: str) -> str:
        """Through the data channel and back."""
        return str(self.page.evaluate("(text) => window.sluice.echo(text)", text))

    def send_echo(self, text: str) -> None:
        """Into the data channel, without waiting for an answer."""
        self.page.evaluate("(text) => { window.sluice.echo(text).catch(() => {}); }", text)

    @property
    def codec(self) -> str | None:
        """Of the picture that arrives now, such as H264."""
        found: str | None = self.page.evaluate(CODEC)
        return found

    # --- waiting

    def await_state(self, name: str, within_s: float = 20) -> None:
        self.until(f"state {name}", lambda: self.state == name, within_s)

    def await_frames(self, count: int, since: Frame | None = None, within_s: float = 20) -> Run:
        """The page's frames (after `since`), once there are `count` of them."""
        run = Run([])

        def enough() -> bool:
            nonlocal run
            run = self.frames(since)
            return len(run.frames) >= count

        self.until(f"{count} stamped frames", enough, within_s)
        return run

    def expect_smooth(self, seconds: int) -> None:
        """Every frame arrives and is decoded, all are shown in order, and so many seconds of them
        in a row are shown all but whole.

        A browser that shares its cores with an encoder, a server and whatever else the machine
        does may skip some pictures at any moment, so the stretch may begin at any frame. Nothing
        else is forgiven at any time. The frames of the first second are left out: a joiner gets
        what came before it in a hurry, faster than a screen can show it.
        """
        self.await_frames(FPS)
        decoded = self.inbound("video")["framesDecoded"]
        start = self.frames().frames[-1]
        run = Run([])

        def smooth() -> bool:
            nonlocal run
            run = self.frames(since=start)
            return run.has_whole_stretch(seconds * FPS)

        try:
            self.until(f"{seconds} s shown whole", smooth, within_s=seconds * 3)
        except TimeoutError as error:
            raise AssertionError(f"{error}: {run.steps}") from None
        figures = self.inbound("video")
        assert run.goes_forward, run.steps
        assert figures["packetsLost"] == 0
        # Exact to the frame: the stamps say how many were sent in between, the browser how many
        # it decoded; it began to count before the first of them.
        assert figures["framesDecoded"] - decoded >= sum(run.steps), run.steps
        assert max(run.steps) <= LONGEST_SKIP, run.steps

    def until(self, what: str, look: Callable[[], object], within_s: float) -> None:
        """Wait for anything of this page; a TimeoutError tells how the page was then."""
        try:
            until(what, look, within_s)
        except TimeoutError as error:
            seen = self.page.evaluate(
                "JSON.stringify([sluice.state, sluice.joins, sluice.frames.at(-1), sluice.stats])"
            )
            raise TimeoutError(f"{error}; the page: {self.headline!r} {seen}") from None
