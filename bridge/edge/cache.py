"""What an edge keeps: whole answers with their lifetimes, in a bounded number of bytes.

Without I/O; times are monotonic milliseconds. Playlists stay a while after they have expired, for
the time in which the origin cannot be asked.
"""

from __future__ import annotations

import re
import zlib
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from bridge.edge.key import Key

Headers = list[tuple[bytes, bytes]]

_OVERHEAD: Final = 600
"""Bytes of an entry beside its body, roughly: keys, headers, objects."""
_LIFETIME: Final = re.compile(rb"(?:^|[,\s])(s-maxage|max-age)\s*=\s*\"?([0-9]{1,9})")
_NOT_KEPT: Final = re.compile(rb"(?:^|[,\s])(?:no-store|no-cache|private)\b")
_LONGEST_PLAIN: Final = 16 << 20
"""Bytes that a compressed answer may grow to: the origin is trusted, a broken one is not."""


@dataclass(slots=True)
class Whole:
    """An answer that has come in full."""

    status: int
    headers: Headers
    """For viewers, without those that the edge sets itself."""
    body: bytes
    zipped: bool = False
    """The body is gzip, as the origin sent it."""
    lifetime_ms: int = 0
    """From the making of the answer, by Cache-Control; 0: it must not be kept."""
    made_ms: int = 0
    """When the origin made it: the time of arrival, less the Age that it came with."""
    ready: dict[tuple[str, bool], Headers] = field(default_factory=dict, repr=False)
    """What `edge_reply` has made of the headers, once for all viewers."""
    _plain: bytes | None = field(default=None, repr=False)

    def age_s(self, now_ms: int) -> int:
        return max(0, now_ms - self.made_ms) // 1_000

    def fresh(self, now_ms: int) -> bool:
        return now_ms - self.made_ms < self.lifetime_ms

    def plain(self) -> bytes:
        """The body for who takes no gzip. Unpacked when the first one asks, then kept.

        Raises zlib.error for what is no gzip, or grows too large.
        """
        if not self.zipped:
            return self.body
        if self._plain is None:
            unpacker = zlib.decompressobj(wbits=31)
            plain = unpacker.decompress(self.body, _LONGEST_PLAIN)
            if not unpacker.eof:
                raise zlib.error("unpacked, it is too large or ends early")
            self._plain = plain
        return self._plain

    @property
    def tag(self) -> bytes | None:
        """Its ETag."""
        return next((value for name, value in self.headers if name == b"etag"), None)

    @property
    def size(self) -> int:
        """Bytes in memory, roughly. The plain form of a playlist is in it from the start."""
        return len(self.body) * (5 if self.zipped else 1) + _OVERHEAD


def lifetime_ms(cache_control: bytes | None) -> int:
    """How long an answer may be kept by a shared cache; 0 where nothing says so."""
    if cache_control is None or _NOT_KEPT.search(cache_control.lower()):
        return 0
    said = {name: int(value) for name, value in _LIFETIME.findall(cache_control.lower())}
    return said.get(b"s-maxage", said.get(b"max-age", 0)) * 1_000


class EdgeCache:
    """The least recently used goes first."""

    def __init__(self, limit_bytes: int, stale_ms: int, held_ms: int = 1_000) -> None:
        """`stale_ms`: for how long after its making an expired answer may stand in for one that
        cannot be had. `held_ms`: for how long it then does so without asking again."""
        self._limit = limit_bytes
        self._stale_ms = stale_ms
        self._held_ms = held_ms
        self._kept: OrderedDict[str, Whole] = OrderedDict()
        self._newest: dict[str, str] = {}
        """By path: the key of the playlist that came last, without deltas."""
        self._held: dict[str, tuple[int, Whole]] = {}
        self.bytes = 0
        """Of all that is kept."""

    def __len__(self) -> int:
        return len(self._kept)

    def fresh(self, target: str, now_ms: int) -> Whole | None:
        """The answer that needs no question to the origin."""
        whole = self._kept.get(target)
        if whole is None or not whole.fresh(now_ms):
            return None
        self._kept.move_to_end(target)
        return whole

    def held(self, target: str, now_ms: int) -> Whole | None:
        """The answer that stands in for one that could not be had a moment ago."""
        until_ms, whole = self._held.get(target, (0, None))
        return whole if now_ms < until_ms else None

    def stand_in(self, key: Key, now_ms: int) -> Whole | None:
        """What may be served in place of an answer that cannot be had now, and is so from now on
        for a moment: the same one, too old, or for a playlist the newest that is known."""
        for target in (key.target, self._newest.get(key.path)):
            whole = self._kept.get(target) if target is not None else None
            if whole is not None and whole.status == 200 and self._bearable(whole, now_ms):
                if len(self._held) >= 10_000:
                    self._held.clear()
                self._held[key.target] = (now_ms + self._held_ms, whole)
                return whole
        return None

    def keep(self, key: Key, whole: Whole, now_ms: int) -> None:
        """Take an answer in, if it may be kept at all."""
        self._held.pop(key.target, None)
        self._drop(key.target)
        if not whole.fresh(now_ms) or whole.size > self._limit:
            return
        self._kept[key.target] = whole
        self.bytes += whole.size
        if key.is_playlist and whole.status == 200 and not key.is_delta:
            self._newest[key.path] = key.target
        while self.bytes > self._limit:
            self._drop(next(iter(self._kept)))

    def _bearable(self, whole: Whole, now_ms: int) -> bool:
        return now_ms - whole.made_ms < self._stale_ms + whole.lifetime_ms

    def _drop(self, target: str) -> None:
        whole = self._kept.pop(target, None)
        if whole is None:
            return
        self.bytes -= whole.size
        path = target.partition("?")[0]
        if self._newest.get(path) == target:
            del self._newest[path]
