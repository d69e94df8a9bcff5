"""Plays recordings as players do: through their playlists, in ranges, up to decoded pictures."""

from __future__ import annotations

import io
import re
from urllib.parse import urljoin

import av
import httpx

from tests.bridge.media import decode
from tests.signaling.door import Door


async def found(door: Door, path: str, **headers: str) -> httpx.Response:
    response = await door.http.get(path, headers=headers)
    assert response.status_code in (200, 206), f"{path}: {response.text}"
    return response


async def play(door: Door, address: str) -> tuple[int, int]:
    """Frames that are decoded of a media playlist, and how long it says it is, in ms."""
    text = (await found(door, address)).text
    assert text.endswith("#EXT-X-ENDLIST\n")
    runs: list[list[bytes]] = []
    init, seconds = b"", 0.0
    place: tuple[int, int] | None = None
    for line in text.splitlines():
        tag, _, value = line.partition(":")
        if tag == "#EXT-X-MAP":
            uri, size, at = re.findall(r'URI="([^"]+)",BYTERANGE="(\d+)@(\d+)"', value)[0]
            init = await _bytes(door, urljoin(address, uri), int(at), int(size))
            runs.append([init])
        elif tag == "#EXTINF":
            seconds += float(value.rstrip(","))
        elif tag == "#EXT-X-BYTERANGE":
            size, _, at = value.partition("@")
            place = int(at), int(size)
        elif tag == "#EXT-X-DISCONTINUITY":
            runs.append([init])
        elif line and not line.startswith("#"):
            url = urljoin(address, line)
            runs[-1].append(
                (await found(door, url)).content
                if place is None
                else await _bytes(door, url, *place)
            )
            place = None
    frames = sum(len(decode(*run)) for run in runs if len(run) > 1)
    return frames, round(seconds * 1_000)


async def _bytes(door: Door, address: str, at: int, size: int) -> bytes:
    response = await found(door, address, Range=f"bytes={at}-{at + size - 1}")
    assert response.status_code == 206
    assert len(response.content) == size
    return response.content


def variants(address: str, master: str) -> list[str]:
    return [urljoin(address, one) for one in master.splitlines() if one and one[0] != "#"]


def pictures(data: bytes) -> int:
    with av.open(io.BytesIO(data), "r") as container:
        return sum(1 for _ in container.decode(video=0))
