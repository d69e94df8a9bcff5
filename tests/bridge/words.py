"""Captions that a test knows beforehand: a cue each three seconds, known some time after it."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.presentation import Presentation

EACH_MS = 3_000
LONG_MS = 2_500
"""So some cues reach over the end of their segment, and some stretches have none."""


@dataclass
class Words:
    """What is said is the same at all times; how much of it is known follows the media."""

    presentation: Presentation
    language: str = "en"
    label: str = "English"
    lag_ms: int = 1_000
    """So far behind the newest media."""
    asked: list[tuple[int, int]] = field(default_factory=list)
    """Stretches that somebody asked for."""

    @property
    def known_ms(self) -> int:
        """Stream time up to which the words are known."""
        every = [one for one in self.presentation.renditions.values() if one.segments]
        if not every:
            return 0
        last = every[0].segments[-1]
        return self.presentation.wall_ms(every[0], last.time + last.ticks) - self.lag_ms

    def vtt(self, from_ms: int, to_ms: int, zero_ms: int) -> str | None:
        self.asked.append((from_ms, to_ms))
        if to_ms > self.known_ms:
            return None
        zero = self.presentation.origin_ms
        cues = []
        for number in range((from_ms - zero - LONG_MS) // EACH_MS, (to_ms - zero) // EACH_MS + 1):
            start = zero + EACH_MS * number
            if number >= 0 and start < to_ms and start + LONG_MS > from_ms:
                times = f"{clock(start - zero_ms)} --> {clock(start - zero_ms + LONG_MS)}"
                cues.append(f"\n{times}\nwords {number}\n")
        return "WEBVTT\n" + "".join(cues)


def clock(ms: int) -> str:
    """A WebVTT timestamp."""
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1_000 % 60:02}.{ms % 1_000:03}"
