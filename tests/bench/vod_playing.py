"""Asks a server for what a player loads first of a recording, until it is there."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from typing import Final, NamedTuple

PIECE: Final = 64 << 10
"""Bytes of the MP4 that are asked for at its beginning and in its middle."""
LATE_MS: Final = 10**9
"""Behind the end of every recording."""
LOOK_S: Final = 0.02
PATIENCE_S: Final = 30.0
_VARIANT: Final = re.compile(r"^[a-z0-9_-]+/index\.m3u8$", re.MULTILINE)
_SOUND: Final = re.compile(r'^#EXT-X-MEDIA:TYPE=AUDIO,.*URI="([^"]+)"', re.MULTILINE)
_MAP: Final = re.compile(r'^#EXT-X-MAP:URI="([^"]+)",BYTERANGE="(\d+)@(\d+)"', re.MULTILINE)
_SEGMENT: Final = re.compile(r"^#EXT-X-BYTERANGE:(\d+)@(\d+)\n(.+)$", re.MULTILINE)
_LENGTH: Final = re.compile(r"^#EXTINF:([0-9.]+),", re.MULTILINE)


class Bytes(NamedTuple):
    """A range of a file."""

    address: str
    first: int
    size: int


class Answer(NamedTuple):
    status: int
    total: int
    """Bytes of the whole file, where a range was asked for; else 0."""
    body: bytes


class NotPlayable(Exception):
    """What came is no whole replay; the text says what is wrong."""


class Viewer:
    """Of one recording. On one connection, as a browser that came to the page before."""

    def __init__(
        self, host: str, port: int, vod: str, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._connection = HTTPConnection(host, port, timeout=PATIENCE_S)
        self._folder = f"/vod/{vod}/"
        self._now_s = now_s

    def close(self) -> None:
        self._connection.close()

    def play(self, least_s: float) -> dict[str, float]:
        """Load all that stands before the first picture, by HLS and as a file.

        When each step was done, in seconds of the clock. Raises NotPlayable: the recording is
        shorter than `least_s`, something is missing, or it does not come at all.
        """
        done: dict[str, float] = {}
        master = self._awaited("master.m3u8")
        done["master"] = self._now_s()
        pictures, sound = _VARIANT.search(master), _SOUND.search(master)
        if pictures is None or sound is None:
            raise NotPlayable(f"no pictures or no sound in {master}")
        for address in (pictures[0], sound[1]):
            text = self._got(address).body.decode()
            check(text, least_s)
            for piece in first_pieces(text, address):
                self._range(piece)
        done["segments"] = self._now_s()
        # A file that a job made of an earlier state must not pass for the virtual one.
        file = f"video.mp4?from=0&to={LATE_MS}"
        head = self._range(Bytes(file, 0, PIECE))
        if head.body[4:8] != b"ftyp":
            raise NotPlayable("video.mp4 does not begin like one")
        self._range(Bytes(file, head.total // 2, PIECE))
        done["file"] = self._now_s()
        return done

    def _awaited(self, address: str) -> str:
        until_s = self._now_s() + PATIENCE_S
        while (answer := self._asked(address)) is None or answer.status != 200:
            if self._now_s() > until_s:
                raise NotPlayable(f"{address}: {answer}")
            time.sleep(LOOK_S)
        return answer.body.decode()

    def _range(self, piece: Bytes) -> Answer:
        last = piece.first + piece.size - 1
        answer = self._got(piece.address, f"bytes={piece.first}-{last}", 206)
        if len(answer.body) != min(piece.size, answer.total - piece.first):
            raise NotPlayable(f"{piece}: {len(answer.body)} bytes")
        return answer

    def _got(self, address: str, wanted: str | None = None, status: int = 200) -> Answer:
        answer = self._asked(address, wanted)
        if answer is None or answer.status != status:
            raise NotPlayable(f"{address}: {answer}")
        return answer

    def _asked(self, address: str, wanted: str | None = None) -> Answer | None:
        """None where nobody answers."""
        headers = {} if wanted is None else {"Range": wanted}
        try:
            self._connection.request("GET", self._folder + address, headers=headers)
            response = self._connection.getresponse()
            body = response.read()
        except (OSError, HTTPException):
            self._connection.close()  # the next request opens it again
            return None
        _, _, total = response.headers.get("Content-Range", "").partition("/")
        return Answer(response.status, int(total or 0), body)


def check(playlist: str, least_s: float) -> None:
    """Raises NotPlayable where it is not complete."""
    length_s = sum(map(float, _LENGTH.findall(playlist)))
    if not playlist.endswith("#EXT-X-ENDLIST\n"):
        raise NotPlayable("a playlist without an end")
    if length_s < least_s:
        raise NotPlayable(f"a playlist of {length_s:.1f} s, not of {least_s:.1f} s")


def first_pieces(playlist: str, address: str) -> list[Bytes]:
    """The init segment and the first segment of the playlist at this address.

    Raises NotPlayable where there are none.
    """
    init, segment = _MAP.search(playlist), _SEGMENT.search(playlist)
    if init is None or segment is None:
        raise NotPlayable(f"{address}: no segment")
    folder = address.rpartition("/")[0]
    return [
        Bytes(f"{folder}/{init[1]}", int(init[3]), int(init[2])),
        Bytes(f"{folder}/{segment[3]}", int(segment[2]), int(segment[1])),
    ]
