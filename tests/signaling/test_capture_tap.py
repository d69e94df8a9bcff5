"""What a packager makes stands in the recording, part by part: a real one, in a real folder."""

from __future__ import annotations

from binascii import crc32
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from bridge.origin import Origin
from bridge.presentation import Presentation
from bridge.reload import Holds
from bridge.rendition import Rendition
from recorder.capture import Capture
from recorder.recording import Recording
from recorder.records import Began, Gap, Part
from recorder.verify import verify
from signaling.capture_tap import CaptureTap
from sluice.clock import VirtualClock
from tests.bridge.studio import ORIGIN_MS, Studio
from tests.recorder.studio import SETTINGS

BEGAN = Began(1, "live-20260921-120000-abcdef", "live", "Roses", ORIGIN_MS)


class Span(NamedTuple):
    """A part or a gap, as the presentation has it and as the recording should have it."""

    msn: int
    part: int
    time: int
    ticks: int
    gap: bool
    independent: bool
    breaks: bool
    crc: int


class Taping:
    """A studio whose broadcast is recorded."""

    def __init__(self, folder: Path, capture: Capture, *, every: bool = False) -> None:
        self.folder = folder
        self.studio = Studio()
        self.capture = capture
        capture.begin_session("e", ORIGIN_MS)
        CaptureTap(self.studio.presentation, capture, every=every)

    async def recorded(self) -> dict[str, list[Span]]:
        """Close, and read what the index says."""
        await self.capture.close("end")
        found = Recording.read(self.folder)
        assert verify(self.folder, _local(self.folder)) == []
        return {
            name: [_recorded(span) for _, span in one.spans]
            for name, one in found.renditions.items()
        }


def _local(folder: Path):  # type: ignore[no-untyped-def]
    from recorder.media import LocalMedia

    return LocalMedia(folder)


def _recorded(span: Part | Gap) -> Span:
    if isinstance(span, Gap):
        assert not span.lost
        return Span(span.s, span.p, span.t, span.d, True, False, span.x, 0)
    return Span(span.s, span.p, span.t, span.d, False, span.i, span.x, span.crc)


def packaged(presentation: Presentation) -> dict[str, list[Span]]:
    return {name: _spans(one) for name, one in presentation.renditions.items()}


def _spans(rendition: Rendition) -> list[Span]:
    found = []
    for segment in rendition.segments:
        time = segment.time
        for part in segment.parts:
            breaks = segment.discontinuity and part.index == 0
            crc = 0 if part.gap else crc32(part.data)
            independent = part.independent and not part.gap
            found.append(
                Span(segment.msn, part.index, time, part.ticks, part.gap, independent, breaks, crc)
            )
            time += part.ticks
    return found


Tape = Callable[..., "object"]
