"""Under what an edge keeps an answer, which is also all that the origin hears of a request.

The key is the path and those directives that change a playlist, in one order. Everything else in
a query is cut off: players add CMCD, people add trackers, and each would be another copy. As
nothing but the key reaches the origin, no viewer can make it answer something for the others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from sluice.ids import CHANNEL_PATTERN

TIME: Final = "/live/time"
"""The server's time, for DASH players."""
DIRECTIVES: Final = ("_HLS_msn", "_HLS_part", "_HLS_skip")

_CHANNEL: Final = rf"(?P<channel>{CHANNEL_PATTERN.pattern})"
_FILE: Final = r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}"
"""No segment begins with a dot and none is escaped: there is no way up, and one spelling each."""
_PATH: Final = re.compile(rf"/live/{_CHANNEL}/(?:{_FILE}/)?(?P<file>{_FILE})")
_PAIR: Final = re.compile(rf"(?:{'|'.join(DIRECTIVES)})=[A-Za-z0-9._-]{{0,24}}")
_MOST_PAIRS: Final = 4
"""One of each, and one more, so that a repeated one reaches the origin and is refused there."""


class NoSuchPath(Exception):
    """Nothing can be at this address."""


class BadDirective(Exception):
    """No origin would take this directive."""


@dataclass(frozen=True, slots=True)
class Key:
    """One answer of the origin."""

    path: str
    """Without the signed prefix."""
    directives: str
    """As a query, sorted; empty for none."""
    channel: str
    """Empty for what belongs to none."""
    is_playlist: bool
    """It changes: a playlist or a manifest. Anything else never does."""
    target: str = field(init=False, compare=False)
    """What stands in the request line to the origin, and the key as text."""

    def __post_init__(self) -> None:
        target = f"{self.path}?{self.directives}" if self.directives else self.path
        object.__setattr__(self, "target", target)

    @property
    def blocks(self) -> bool:
        """Whether the origin may hold the answer back until there is something new."""
        return "_HLS_msn=" in self.directives

    @property
    def is_delta(self) -> bool:
        """Whether the answer may leave out what other players need."""
        return "_HLS_skip=" in self.directives


@lru_cache(4_096)
def key_of(path: str, query: str) -> Key:
    """The key of a path without its signed prefix. Raises NoSuchPath and BadDirective."""
    if path == TIME:
        return Key(path, "", "", is_playlist=False)
    form = _PATH.fullmatch(path)
    if form is None:
        raise NoSuchPath(path)
    is_playlist = form["file"].endswith((".m3u8", ".mpd"))
    pairs = [one for one in query.split("&") if one.startswith("_HLS_")] if is_playlist else []
    kept = sorted(one for one in pairs if one.partition("=")[0] in DIRECTIVES)
    if len(kept) > _MOST_PAIRS or not all(map(_PAIR.fullmatch, kept)):
        raise BadDirective("&".join(kept)[:100])
    return Key(path, "&".join(kept), form["channel"], is_playlist)
