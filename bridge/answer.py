"""What the origin answers, without HTTP's machinery: status, headers, body."""

from __future__ import annotations

import gzip
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final

from bridge.byte_range import NotSatisfiable, byte_range
from sluice.errors import Problem

Headers = list[tuple[bytes, bytes]]

GZIP_LEVEL: Final = 5
"""Above it a playlist gets hardly smaller and takes twice as long."""
FOREVER: Final = b"public, max-age=31536000, immutable"
"""For what has an address of its own and never changes."""
NEVER: Final = "no-store"
"""For answers that time makes wrong. Were they kept, then one stranger who asks early would take
what comes from everybody behind that cache."""

PLAYLIST_TYPE: Final = b"application/vnd.apple.mpegurl"
MANIFEST_TYPE: Final = b"application/dash+xml"
VIDEO_TYPE: Final = b"video/mp4"
AUDIO_TYPE: Final = b"audio/mp4"
CAPTIONS_TYPE: Final = b"text/vtt; charset=utf-8"


@dataclass(slots=True)
class Answer:
    """One response. A body in pieces has no length yet, and raises TimeoutError when it breaks
    off: the connection must then be cut, or half a segment would pass for a whole one.
    """

    status: int
    headers: Headers
    body: bytes | AsyncGenerator[bytes, None]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for one address of a presentation."""

    address: str
    """Below `/live/{channel}/`, as it was sent."""
    query: str = ""
    gzip: bool = False
    """The client takes gzip."""
    range: str = ""
    if_range: str = ""
    if_none_match: str = ""
    """Header values; empty where there was none."""


class Text:
    """A rendered playlist or manifest, compressed once and shared by all who ask for it."""

    def __init__(self, text: str, content_type: bytes) -> None:
        self._plain = text.encode()
        self._type = content_type
        self._packed: bytes | None = None
        self._headers: dict[tuple[bool, int], Headers] = {}

    def answer(self, packed: bool, max_age_s: int) -> Answer:
        """The same headers and body for all who ask alike: neither may be changed."""
        body = self._plain
        if packed:
            if self._packed is None:
                self._packed = gzip.compress(self._plain, GZIP_LEVEL, mtime=0)
            body = self._packed
        headers = self._headers.get((packed, max_age_s))
        if headers is None:
            headers = [
                (b"content-type", self._type),
                (b"content-length", b"%d" % len(body)),
                (b"cache-control", b"public, max-age=%d" % max_age_s),
                (b"vary", b"accept-encoding"),
            ]
            if packed:
                headers.append((b"content-encoding", b"gzip"))
            self._headers[packed, max_age_s] = headers
        return Answer(200, headers, body)


def media_answer(data: bytes, content_type: bytes, name: str, asked: Asked) -> Answer:
    """Media as it lies in memory, or one range of it. Its name never stands for other bytes.

    Raises Problem `range-refused`.
    """
    tag = f'"{name}"'
    headers: Headers = [
        (b"content-type", content_type),
        (b"cache-control", FOREVER),
        (b"etag", tag.encode()),
        (b"accept-ranges", b"bytes"),
    ]
    if asked.if_none_match and _names(asked.if_none_match, tag):
        return Answer(304, headers, b"")
    wanted = None
    if asked.range and asked.if_range in ("", tag):
        try:
            wanted = byte_range(asked.range, len(data))
        except NotSatisfiable as error:
            said = {"Content-Range": f"bytes */{len(data)}"}
            raise Problem("range-refused", f"It has {len(data)} bytes.", headers=said) from error
    if wanted is None:
        headers.append((b"content-length", b"%d" % len(data)))
        return Answer(200, headers, data)
    start, end = wanted
    headers.append((b"content-range", b"bytes %d-%d/%d" % (start, end - 1, len(data))))
    headers.append((b"content-length", b"%d" % (end - start)))
    return Answer(206, headers, data[start:end])


def _names(header: str, tag: str) -> bool:
    """Whether If-None-Match names this ETag; caches may have weakened it."""
    return any(one.strip().removeprefix("W/") in (tag, "*") for one in header.split(",", 64))
