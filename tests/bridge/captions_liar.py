"""Servers that tell lies about captions, for the conformance check to find."""

from __future__ import annotations

import gzip

from tests.bridge.conformance.report import Report
from tests.bridge.conformance.walk import check
from tests.bridge.windows import Windows
from tests.bridge.words import Words
from tests.journeys.test_conformance_can_fail import (
    Exchange,
    Lie,
    becomes,
    everywhere,
    liar,
    says,
    typed,
)
from tests.signaling.live_world import LiveWorld, served

PLAYLIST = "captions-en/index.m3u8"


def is_text(one: Exchange) -> bool:
    return one.path.endswith(".vtt")


def without_waiting(one: Exchange) -> None:
    if one.path.endswith(PLAYLIST) and "skip" not in one.query and one.query:
        one.query = ""


def repacked(one: Exchange) -> None:
    if "content-encoding" in one.header and one.path.endswith(PLAYLIST):
        text = gzip.decompress(one.body).replace(b"#EXTINF:2.0", b"#EXTINF:2.1")
        one.body = gzip.compress(text, mtime=0)


LIES: list[tuple[dict[str, Lie], Lie | None]] = [
    (
        {
            "captions: EXT-X-MEDIA": says("FORCED=NO", "FORCED=YES", of="master.m3u8"),
            "every variant has its captions": says(
                ',SUBTITLES="[^"]*"', "", of="master.m3u8", count=1
            ),
            "captions: reported, without parts": says(
                r'(REPORT:URI="\.\./captions-[^\n]*)', r"\1,LAST-PART=1", of="source/index.m3u8"
            ),
            "captions: _HLS_msn waits for its segment": everywhere("x-none"),
            "captions: a delta is the full playlist": says(
                "#EXTINF:2.0", "#EXTINF:1.9", of=PLAYLIST, query="skip"
            ),
            "captions: text/vtt": typed(".vtt", "text/plain"),
            "captions: 404 for what is not there": becomes(
                410, when=lambda one: is_text(one) and one.status == 404
            ),
        },
        without_waiting,
    ),
    (
        {
            "captions: segment 200": becomes(500, when=is_text),
            "captions: 400 for msn beyond last + 2": becomes(
                404, when=lambda one: one.path.endswith(PLAYLIST) and one.status == 400
            ),
            "captions: gzip is the same playlist": repacked,
        },
        None,
    ),
]


async def walked(lies: list[Lie], before: Lie | None = None) -> Report:
    """What the check finds in captions of two languages, one of them without its words."""
    windows = Windows()
    windows.presentation.captions["en"] = Words(windows.presentation)
    windows.presentation.captions["fr"] = Words(windows.presentation, "fr", "Français", 10_000)
    world = LiveWorld(windows)
    windows.segments(10)
    async with served(world, liar(world, lies, before)) as base:
        return await check(base, segments=1)
