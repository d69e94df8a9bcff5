"""What a viewer sees and hears of a stream, moment by moment, by the browser's own word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from playwright.sync_api import Page

AROUND_MS = 2_000
"""A freeze so close to a switch of layers belongs to it."""
SAMPLES_PER_MS = 48

# Frames as they are put on the screen, and sound as it is made up where none came (concealment).
# A stretch of made-up sound goes on from look to look as long as the browser counts no new one.
RECORD = """
window.presented = [];
window.madeUp = {begun: false, run: 0, longest: 0, samples: 0, events: 0};
addEventListener("DOMContentLoaded", () => {
  const video = document.querySelector("video");
  const note = (now, frame) => {
    window.presented.push([frame.presentationTime, frame.width, frame.height]);
    video.requestVideoFrameCallback(note);
  };
  video.requestVideoFrameCallback(note);
});
setInterval(async () => {
  const report = await window.connections?.at(-1)?.getStats();
  const inbound = [...(report?.values() ?? [])].filter(({type}) => type === "inbound-rtp");
  const audio = inbound.find(({kind}) => kind === "audio");
  if (!audio) return;
  const heard = window.madeUp;
  const more = audio.concealedSamples - heard.samples;
  const another = audio.concealmentEvents > heard.events;
  heard.run = another ? more : more > 0 ? heard.run + more : 0;
  heard.longest = Math.max(heard.longest, heard.run);
  heard.samples = audio.concealedSamples;
  heard.events = audio.concealmentEvents;
  heard.begun = true;
}, 50);
"""
FORGET_SOUND = "window.madeUp.run = window.madeUp.longest = 0"


@dataclass(frozen=True, slots=True)
class Shown:
    """A frame on the screen. Time in ms on the page's own clock."""

    at_ms: float
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Switch:
    """From one size of the picture to another."""

    at_ms: float
    before: int
    after: int
    """Widths."""
    longest_gap_ms: float
    """Between two frames on the screen, around the switch."""


class Presented:
    """Records a page from its next load on. The page keeps its connections in `connections`."""

    def __init__(self, page: Page) -> None:
        self._page = page
        page.add_init_script(RECORD)

    @property
    def frames(self) -> list[Shown]:
        found = self._page.evaluate("window.presented")
        return [Shown(at_ms, width, height) for at_ms, width, height in found]

    @property
    def switches(self) -> list[Switch]:
        return switches(self.frames)

    @property
    def begun(self) -> bool:
        """There was a picture, and sound."""
        return bool(self._page.evaluate("window.presented.length > 0 && window.madeUp.begun"))

    @property
    def longest_silence_ms(self) -> float:
        """The longest stretch of made-up sound since `forget_sound`."""
        return float(self._page.evaluate("window.madeUp.longest")) / SAMPLES_PER_MS

    def forget_sound(self) -> None:
        self._page.evaluate(FORGET_SOUND)


def switches(frames: Sequence[Shown]) -> list[Switch]:
    """Where the size changes, each with the longest gap around it."""
    pairs = list(pairwise(frames))
    return [
        Switch(
            later.at_ms,
            earlier.width,
            later.width,
            max(b.at_ms - a.at_ms for a, b in pairs if abs(b.at_ms - later.at_ms) <= AROUND_MS),
        )
        for earlier, later in pairs
        if earlier.width != later.width
    ]
