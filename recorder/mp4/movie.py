"""The moov: all that a player must know before the samples (ISO/IEC 14496-12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Final, Literal

from recorder.mp4.boxes import MATRIX, U32, box, full
from recorder.mp4.language import UNKNOWN, iso_639_2, packed
from recorder.mp4.sample_table import SampleTable

MOVIE_TIMESCALE: Final = 90_000
"""Ticks a second of lengths that concern the whole file."""
EMPTY: Final = -1
"""Media time of an edit in which a track shows nothing."""

Kind = Literal["pictures", "sound", "captions", "chapters"]

_HANDLERS: Final[dict[Kind, bytes]] = {
    "pictures": b"vide",
    "sound": b"soun",
    "captions": b"sbtl",
    "chapters": b"text",
}
_MEDIA_HEADERS: Final[dict[Kind, bytes]] = {
    "pictures": full(b"vmhd", bytes(8), flags=1),
    "sound": full(b"smhd", bytes(4)),
    "captions": full(b"nmhd"),
    # QuickTime's own: no colours, and text that is neither turned nor scaled.
    "chapters": box(
        b"gmhd",
        full(b"gmin", Struct(">HHHHHH").pack(0x40, 0x8000, 0x8000, 0x8000, 0, 0)),
        box(b"text", MATRIX),
    ),
}
_GROUPS: Final[dict[Kind, int]] = {"pictures": 0, "sound": 1, "captions": 2, "chapters": 0}
"""A player shows one of those of a group; 0 is no group."""
_IN_MOVIE: Final = 2
_ENABLED: Final = 1
_MAC_UNIX_S: Final = 2_082_844_800
"""Seconds from 1904, where MP4's clock begins, to 1970."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A stretch of the file, and what a track shows in it."""

    duration: int
    """In MOVIE_TIMESCALE."""
    media_time: int
    """Ticks of the track since its first sample; or EMPTY."""


@dataclass(frozen=True, slots=True)
class Track:
    """All about one track."""

    kind: Kind
    timescale: int
    table: SampleTable
    edits: Sequence[Edit]
    language: str = UNKNOWN
    """BCP 47."""
    label: str = ""
    width: int = 0
    height: int = 0
    """Pixels."""
    enabled: bool = True
    """Shown unless a viewer chooses otherwise."""

    @property
    def length(self) -> int:
        """In MOVIE_TIMESCALE."""
        return sum(edit.duration for edit in self.edits)


@dataclass(frozen=True, slots=True)
class Movie:
    """All about a file."""

    tracks: Sequence[Track]
    created_s: int = 0
    """Unix time."""
    title: str = ""
    chapters: int | None = None
    """Index of the track that names chapters."""
    nero: bytes = b""
    """The chapters once more, as a chpl box."""

    def write(self, shift: int, wide: bool) -> bytes:
        """The moov. `shift`: where in the file the first byte of the samples is. `wide`: offsets
        have 64 bits; nothing else changes the size."""
        length = max((track.length for track in self.tracks), default=0)
        header = full(
            b"mvhd",
            self._times(MOVIE_TIMESCALE, length),
            # Rate, volume; matrix; the number of the next track.
            Struct(">IH10x36s24xI").pack(0x0001_0000, 0x0100, MATRIX, len(self.tracks) + 1),
            version=1,
        )
        tracks = [self._track(index, shift, wide) for index in range(len(self.tracks))]
        return box(b"moov", header, *tracks, self._user_data())

    @property
    def _created(self) -> int:
        return max(0, self.created_s + _MAC_UNIX_S)

    def _times(self, timescale: int, length: int) -> bytes:
        return Struct(">QQIQ").pack(self._created, self._created, timescale, length)

    def _track(self, index: int, shift: int, wide: bool) -> bytes:
        track = self.tracks[index]
        header = Struct(">QQI4xQ8xHHHH36sII").pack(
            *(self._created, self._created, index + 1, track.length),
            # Layer, group, volume.
            *(0, _GROUPS[track.kind], 0x0100 if track.kind == "sound" else 0, 0),
            MATRIX,
            *(track.width << 16, track.height << 16),
        )
        content = [
            full(b"tkhd", header, version=1, flags=_IN_MOVIE | _ENABLED * track.enabled),
            box(b"edts", _edit_list(track.edits)),
        ]
        if self.chapters is not None and track.kind in ("pictures", "sound"):
            content.append(box(b"tref", box(b"chap", U32.pack(self.chapters + 1))))
        content.append(self._media(track, shift, wide))
        if track.label:
            content.append(box(b"udta", box(b"name", track.label.encode())))
        return box(b"trak", *content)

    def _media(self, track: Track, shift: int, wide: bool) -> bytes:
        language = packed(iso_639_2(track.language))
        name = track.label or track.kind.capitalize()
        content = [
            full(
                b"mdhd",
                self._times(track.timescale, track.table.length),
                Struct(">HH").pack(language, 0),
                version=1,
            ),
            full(b"hdlr", bytes(4) + _HANDLERS[track.kind] + bytes(12) + name.encode() + b"\0"),
            box(
                b"minf",
                _MEDIA_HEADERS[track.kind],
                box(b"dinf", full(b"dref", U32.pack(1) + full(b"url ", flags=1))),
                track.table.write(shift, wide),
            ),
        ]
        if track.language != UNKNOWN:
            content.insert(1, full(b"elng", track.language.encode() + b"\0"))
        return box(b"mdia", *content)

    def _user_data(self) -> bytes:
        content = self.nero
        if self.title:
            value = box(b"data", U32.pack(1) + bytes(4) + self.title.encode())
            content += full(
                b"meta",
                full(b"hdlr", bytes(4) + b"mdirappl" + bytes(9)),
                box(b"ilst", box(b"\xa9nam", value)),
            )
        return box(b"udta", content) if content else b""


def _edit_list(edits: Sequence[Edit]) -> bytes:
    entries = [Struct(">QqI").pack(edit.duration, edit.media_time, 0x0001_0000) for edit in edits]
    return full(b"elst", U32.pack(len(edits)), *entries, version=1)
