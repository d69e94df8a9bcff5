"""Reads playlists strictly: what is not known, doubled or out of place is an error."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

_ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"\n]*"|[^",\s]+)(?:,|$)')


class Malformed(Exception):
    """The text says where."""


@dataclass(slots=True)
class PartLine:
    uri: str
    duration: float
    independent: bool
    gap: bool


@dataclass(slots=True)
class SegmentLines:
    """A segment, or the parts of the open one (then `uri` is empty)."""

    uri: str = ""
    duration: float = 0.0
    map: str | None = None
    """MAP stands before this segment."""
    date_ms: int | None = None
    discontinuity: bool = False
    gap: bool = False
    parts: list[PartLine] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        return self == SegmentLines()


@dataclass(slots=True)
class MediaLines:
    """A media playlist as it was read."""

    version: int = 0
    target: int = 0
    part_target: float = 0.0
    control: dict[str, str] = field(default_factory=dict)
    sequence: int = 0
    discontinuity_sequence: int | None = None
    skipped: int = 0
    segments: list[SegmentLines] = field(default_factory=list)
    """Complete ones; those that a delta skipped are left out."""
    open: SegmentLines = field(default_factory=SegmentLines)
    hints: dict[str, str] = field(default_factory=dict)
    """URI by type."""
    reports: dict[str, tuple[int, int]] = field(default_factory=dict)
    """(LAST-MSN, LAST-PART) by URI. The part is -1 where the other has none."""
    ended: bool = False
    independent_segments: bool = False

    @property
    def next_msn(self) -> int:
        """Of the open segment, or of the next to be opened."""
        return self.sequence + self.skipped + len(self.segments)

    @property
    def edge(self) -> tuple[int, int]:
        """(msn, part) that comes next."""
        return self.next_msn, len(self.open.parts)

    def segment(self, msn: int) -> SegmentLines | None:
        at = msn - self.sequence - self.skipped
        return self.segments[at] if 0 <= at < len(self.segments) else None


def attributes(text: str) -> dict[str, str]:
    """An attribute list, quotes taken off. Raises Malformed."""
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        match = _ATTRIBUTE.match(text, at)
        if match is None or match[1] in found:
            raise Malformed(f"attribute list: {text}")
        found[match[1]] = match[2].strip('"')
        at = match.end()
    return found


def read_media_playlist(text: str) -> MediaLines:
    """Raises Malformed."""
    lines = text.split("\n")
    if lines[0] != "#EXTM3U" or lines[-1] != "":
        raise Malformed("it does not begin with #EXTM3U, or the last line has no end")
    playlist = MediaLines()
    seen: set[str] = set()
    for line in lines[1:-1]:
        try:
            _take(playlist, line, seen)
        except (ValueError, KeyError) as error:
            raise Malformed(f"{line}: {error}") from error
    return playlist


def _take(playlist: MediaLines, line: str, seen: set[str]) -> None:
    if playlist.ended:
        raise Malformed(f"after ENDLIST: {line}")
    if not line.startswith("#"):
        if not line or not playlist.open.duration:
            raise Malformed(f"an address without EXTINF: {line!r}")
        playlist.open.uri = line
        playlist.segments.append(playlist.open)
        playlist.open = SegmentLines()
        return
    tag, _, value = line.partition(":")
    if tag in _ONCE:
        if tag in seen:
            raise Malformed(f"{tag} stands there twice")
        seen.add(tag)
    _TAGS[tag](playlist, value)


def _control(playlist: MediaLines, value: str) -> None:
    playlist.control = attributes(value)


def _part_target(playlist: MediaLines, value: str) -> None:
    playlist.part_target = float(attributes(value)["PART-TARGET"])


def _skip(playlist: MediaLines, value: str) -> None:
    if playlist.segments or not playlist.open.empty:
        raise Malformed("SKIP stands behind a segment")
    playlist.skipped = int(attributes(value)["SKIPPED-SEGMENTS"])


def _map(playlist: MediaLines, value: str) -> None:
    if playlist.open.parts:
        raise Malformed("MAP stands behind a part of its segment")
    playlist.open.map = attributes(value)["URI"]


def _date(playlist: MediaLines, value: str) -> None:
    if playlist.open.parts:
        raise Malformed("PROGRAM-DATE-TIME stands behind a part of its segment")
    playlist.open.date_ms = round(datetime.fromisoformat(value).timestamp() * 1_000)


def _discontinuity(playlist: MediaLines, value: str) -> None:
    if playlist.open.parts:
        raise Malformed("DISCONTINUITY stands behind a part of its segment")
    playlist.open.discontinuity = True


def _part(playlist: MediaLines, value: str) -> None:
    found = attributes(value)
    independent, gap = found.get("INDEPENDENT") == "YES", found.get("GAP") == "YES"
    part = PartLine(found["URI"], float(found["DURATION"]), independent, gap)
    playlist.open.parts.append(part)


def _gap(playlist: MediaLines, value: str) -> None:
    playlist.open.gap = True


def _extinf(playlist: MediaLines, value: str) -> None:
    playlist.open.duration = float(value.removesuffix(","))


def _hint(playlist: MediaLines, value: str) -> None:
    found = attributes(value)
    if found["TYPE"] in playlist.hints:
        raise Malformed("two hints of one type")
    playlist.hints[found["TYPE"]] = found["URI"]


def _report(playlist: MediaLines, value: str) -> None:
    found = attributes(value)
    playlist.reports[found["URI"]] = (int(found["LAST-MSN"]), int(found.get("LAST-PART", -1)))


def _number(name: str) -> Callable[[MediaLines, str], None]:
    return lambda playlist, value: setattr(playlist, name, int(value))


def _flag(name: str) -> Callable[[MediaLines, str], None]:
    return lambda playlist, value: setattr(playlist, name, True)


_TAGS: dict[str, Callable[[MediaLines, str], None]] = {
    "#EXT-X-VERSION": _number("version"),
    "#EXT-X-TARGETDURATION": _number("target"),
    "#EXT-X-SERVER-CONTROL": _control,
    "#EXT-X-PART-INF": _part_target,
    "#EXT-X-MEDIA-SEQUENCE": _number("sequence"),
    "#EXT-X-DISCONTINUITY-SEQUENCE": _number("discontinuity_sequence"),
    "#EXT-X-INDEPENDENT-SEGMENTS": _flag("independent_segments"),
    "#EXT-X-SKIP": _skip,
    "#EXT-X-MAP": _map,
    "#EXT-X-PROGRAM-DATE-TIME": _date,
    "#EXT-X-DISCONTINUITY": _discontinuity,
    "#EXT-X-PART": _part,
    "#EXT-X-GAP": _gap,
    "#EXTINF": _extinf,
    "#EXT-X-PRELOAD-HINT": _hint,
    "#EXT-X-RENDITION-REPORT": _report,
    "#EXT-X-ENDLIST": _flag("ended"),
}
_ONCE = frozenset(list(_TAGS)[:8])
