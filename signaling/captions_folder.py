"""Captions of recordings: as files, and as a rendition of the HLS playlist."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from recorder.captions import srt, vtt
from recorder.captions.cues import Cue
from recorder.catalog.catalog import Catalog
from recorder.catalog.tracks import Track, best
from recorder.jobs.outputs import DERIVED
from recorder.replay import Slot
from recorder.vod_playlist import Subtitle
from signaling.shelf import Shelf, Shown
from sluice.errors import Problem

PLAYLIST_TYPE: Final = "application/vnd.apple.mpegurl"
SRT_TYPE: Final = "application/x-subrip; charset=utf-8"
_FILE: Final = re.compile(r"([A-Za-z0-9-]{2,35})\.(vtt|srt)", re.ASCII)
_PLAYLIST: Final = re.compile(r"([A-Za-z0-9-]{2,35})/index\.m3u8", re.ASCII)
_SEGMENT: Final = re.compile(r"([A-Za-z0-9-]{2,35})/([0-9]{1,7})\.vtt", re.ASCII)
_SECOND: Final = 1_000_000


class CaptionsFolder:
    """What stands below `captions/` of a VOD."""

    def __init__(self, catalog: Catalog, shelf: Shelf) -> None:
        self._catalog = catalog
        self._shelf = shelf

    async def subtitles(self, shown: Shown) -> list[Subtitle]:
        """For the master playlist."""
        return [
            Subtitle(one.language, one.label, f"captions/{one.language}/index.m3u8")
            for one in best(await self._catalog.tracks.of(shown.vod.id))
        ]

    async def answer(self, shown: Shown, address: str) -> tuple[str, str]:
        """A text and its media type. Raises Problem `media-unknown`, and DatabaseDown."""
        if (file := _FILE.fullmatch(address)) is not None:
            cues = await self.cues(shown.vod.id, file[1])
            if file[2] == "srt":
                return srt.write(cues), SRT_TYPE
            return vtt.write(cues), vtt.TYPE
        if (playlist := _PLAYLIST.fullmatch(address)) is not None:
            await self._track(shown.vod.id, playlist[1])
            return _playlist(shown), PLAYLIST_TYPE
        segment = _SEGMENT.fullmatch(address)
        if segment is None or int(segment[2]) >= len(shown.replay.slots):
            raise Problem("media-unknown", "There is nothing of this name.")
        slot = shown.replay.slots[int(segment[2])]
        return _segment(shown, slot, await self.cues(shown.vod.id, segment[1])), vtt.TYPE

    async def cues(self, vod: str, language: str) -> Sequence[Cue]:
        """What is shown in this language. Raises Problem `media-unknown`, and DatabaseDown."""
        track = await self._track(vod, language)
        if track.output is None:
            text = await self._catalog.tracks.text(vod, language, track.kind)
            return vtt.read((text or "WEBVTT\n").encode())
        path = self._shelf.folder / vod / DERIVED / track.output / "captions.vtt"
        try:
            return await asyncio.to_thread(_read, path)
        except OSError as error:
            raise Problem("media-unknown", "The file of these captions is gone.") from error

    async def _track(self, vod: str, language: str) -> Track:
        for one in best(await self._catalog.tracks.of(vod)):
            if one.language == language:
                return one
        raise Problem("media-unknown", "There are no captions in this language.")


def _read(path: Path) -> list[Cue]:
    return vtt.read(path.read_bytes())


def _playlist(shown: Shown) -> str:
    """The same segments and breaks as those of the pictures."""
    slots = shown.replay.slots
    longest = max((one.duration_us for one in slots), default=_SECOND)
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:8",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        f"#EXT-X-TARGETDURATION:{max(1, (longest + _SECOND // 2) // _SECOND)}",
    ]
    period = 0
    for number, slot in enumerate(slots):
        if slot.period != period:
            period = slot.period
            lines.append("#EXT-X-DISCONTINUITY")
        lines += (f"#EXTINF:{slot.duration_us / _SECOND:.6f},", f"{number}.vtt")
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])


def _segment(shown: Shown, slot: Slot, cues: Sequence[Cue]) -> str:
    """The cues of a slot, on the media's own time: that of the session's tick 0."""
    period = shown.replay.periods[slot.period]
    shift_ms = (period.stream_us - period.origin_us - period.at_us) // 1_000
    from_ms, to_ms = slot.at_us // 1_000, (slot.at_us + slot.duration_us) // 1_000
    within = [
        Cue(one.from_ms + shift_ms, one.to_ms + shift_ms, one.text, one.styles)
        for one in cues
        if one.from_ms < to_ms and one.to_ms > from_ms
    ]
    return vtt.write(within, vtt.TimestampMap())
