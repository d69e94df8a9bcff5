"""What tests of the catalog put into it: recordings in numbers, and as folders with an index."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from recorder import index
from recorder.catalog.catalog import Catalog
from recorder.catalog.measured import Measured
from recorder.catalog.vods import Vod
from recorder.records import Began, Chunk, Closed, CloseReason, Gap, Mark, Part, Record, Session
from sluice.storage import Access

NOW_MS = 1_790_000_000_000
HOUR_MS = 3_600_000
SECOND = 90_000
"""Ticks."""


def measured(
    vod: str = "live-1",
    *,
    channel: str = "live",
    began_ms: int = NOW_MS,
    size_bytes: int = 1_000,
    title: str = "A title",
    recording: bool = False,
) -> Measured:
    return Measured(
        id=vod,
        channel=channel,
        title=title,
        state="recording" if recording else "ready",
        trouble="",
        began_ms=began_ms,
        ended_ms=None if recording else began_ms + HOUR_MS,
        duration_ms=HOUR_MS,
        size_bytes=size_bytes,
        width=1_920,
        height=1_080,
    )


async def add(
    catalog: Catalog,
    vod: str = "live-1",
    *,
    channel: str = "live",
    began_ms: int = NOW_MS,
    size_bytes: int = 1_000,
    recording: bool = False,
    access: Access = "public",
    keep_until_ms: int | None = None,
) -> Vod:
    """A VOD in the catalog."""
    facts = measured(
        vod, channel=channel, began_ms=began_ms, size_bytes=size_bytes, recording=recording
    )
    adopted = await catalog.vods.adopt(facts, access, keep_until_ms)
    assert adopted is not None
    return adopted


def records(
    recording: str,
    *,
    seconds: int = 10,
    title: str = "A title",
    closed: CloseReason | None = "end",
    gaps: Sequence[Gap] = (),
    marks: Sequence[Mark] = (),
) -> list[Record]:
    """The index of a broadcast of one picture, in segments of a second."""
    found: list[Record] = [
        Began(1, recording, recording.split("-")[0], title, NOW_MS),
        Session(1, "e", NOW_MS),
        Chunk("source", 1, 1, 1, b"init", "avc1.64001f", SECOND, 1_280, 720),
    ]
    for second in range(seconds):
        offset = 4 + 100 * second
        found.append(Part("source", 1, second, 0, second * SECOND, SECOND, offset, 100, 0, i=True))
    found += [*gaps, *marks]
    if closed is not None:
        found.append(Closed(NOW_MS + seconds * 1_000 + 500, closed))
    return found


def lay(recordings: Path, recording: str, found: Sequence[Record]) -> Path:
    """Make the folder of a recording; its media is not needed here."""
    folder = recordings / recording
    folder.mkdir(parents=True)
    (folder / index.FILE).write_bytes(b"".join(index.encode(one) for one in found))
    return folder
