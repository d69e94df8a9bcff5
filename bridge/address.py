"""The addresses of a presentation's media, below `/live/{channel}/`.

Each thing has exactly one address: what is written in another way (leading zeros, escapes, `..`)
has none, so that caches cannot be filled with copies and nothing is ever looked up by a path.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

Kind = Literal["master", "manifest", "playlist", "init", "segment", "part"]

MASTER: Final = "master.m3u8"
MANIFEST: Final = "manifest.mpd"
PLAYLIST: Final = "index.m3u8"
CAPTIONS: Final = "captions"
"""The name of the captions' group. Theirs are the folders `captions-en` and the like."""
LONGEST: Final = 128
"""Characters; no address is longer."""

_NUMBER = "(0|[1-9][0-9]{0,15})"
_MEDIA = re.compile(
    rf"([a-z0-9][a-z0-9_-]{{0,31}})/(?:index\.m3u8|"
    rf"([a-z0-9]{{1,32}})-{_NUMBER}(?:\.(init)\.mp4|(?:\.{_NUMBER})?\.m4s|\.(vtt)))",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Address:
    """What an address names. Whether it is there is another question."""

    kind: Kind
    rendition: str = ""
    epoch: str = ""
    """Of the broadcast; empty for playlists."""
    number: int = 0
    """Of the segment or, for an init segment, of the map."""
    part: int = 0


def parse_address(text: str) -> Address | None:
    """The address that `text` is, or None when it can be none."""
    return _parse(text) if len(text) <= LONGEST else None


@lru_cache(maxsize=2_048)  # a thousand viewers ask for the same few
def _parse(text: str) -> Address | None:
    if text == MASTER:
        return Address("master")
    if text == MANIFEST:
        return Address("manifest")
    match = _MEDIA.fullmatch(text)
    if match is None:
        return None
    rendition, epoch, number, init, part, vtt = match.groups()
    if epoch is None:
        return Address("playlist", rendition)
    if (vtt is not None) != rendition.startswith(f"{CAPTIONS}-"):
        return None
    if init is not None:
        return Address("init", rendition, epoch, int(number))
    if part is not None:
        return Address("part", rendition, epoch, int(number), int(part))
    return Address("segment", rendition, epoch, int(number))


def init_name(epoch: str, number: int) -> str:
    """The file name of an init segment."""
    return f"{epoch}-{number}.init.mp4"


def segment_name(epoch: str, msn: int) -> str:
    return f"{epoch}-{msn}.m4s"


def text_name(epoch: str, msn: int) -> str:
    """The file name of a segment of captions."""
    return f"{epoch}-{msn}.vtt"


def captions_folder(language: str) -> str:
    """Where the captions of a language (BCP 47, in which case means nothing) are."""
    return f"{CAPTIONS}-{language.lower()}"


def part_name(epoch: str, msn: int, part: int) -> str:
    return f"{epoch}-{msn}.{part}.m4s"
