"""Who comes and goes in `make soak`: viewers of LL-HLS, and guests of the room.

All count what they did, and what went wrong by its name; nobody gives up for good.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import aiohttp

AGAIN_S: Final = 1.0
PATIENCE_S: Final = 15.0
STAY_S: Final = (20.0, 60.0)
"""So long somebody stays."""
SAYS_S: Final = 4.0
"""Between two messages of a guest."""
_SEQUENCE: Final = re.compile(r"^#EXT-X-MEDIA-SEQUENCE:(\d+)", re.MULTILINE)
_PART: Final = re.compile(r'^#EXT-X-PART:.*?URI="([^"]+)"', re.MULTILINE)
_VARIANT: Final = re.compile(r"^(?!#)(\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Place:
    """Where they go."""

    origin: str
    channel: str


@dataclass(frozen=True, slots=True)
class Newest:
    """What a media playlist ends with."""

    sequence: int
    """Of the segment that is being made."""
    parts: int
    """Of it, that are there."""
    part: str | None
    """Address of the newest part of all."""
    over: bool = False
    """There will be no more."""


def newest(playlist: str) -> Newest:
    found = _SEQUENCE.search(playlist)
    segments = playlist.count("#EXTINF:")
    tail = playlist.rpartition("#EXTINF:")[2]
    parts = _PART.findall(playlist)
    return Newest(
        (int(found[1]) if found else 0) + segments,
        len(_PART.findall(tail.partition("\n")[2])),
        parts[-1] if parts else None,
        "#EXT-X-ENDLIST" in playlist,
    )


async def hls_viewer(place: Place, http: aiohttp.ClientSession, done: Counter[str]) -> None:
    """Waits for each part and loads it, until it is cancelled."""
    base = f"{place.origin}/live/{place.channel}/"
    variant, url, last = None, "", Newest(0, 0, None)
    while True:
        try:
            if last.over:
                done["HLS: saw the end"] += 1
                variant = None
                await asyncio.sleep(AGAIN_S)
            if variant is None:
                variant = _VARIANT.search(await _text(http, base + "master.m3u8"))
                if variant is None:
                    raise ValueError("no variant")
                url = f"{base}{variant[1]}"
                last = newest(await _text(http, url))
            query = f"?_HLS_msn={last.sequence}&_HLS_part={last.parts}"
            last = newest(await _text(http, url + query))
            done["HLS: playlists"] += 1
            if last.part is not None:
                await _text(http, f"{url.rpartition('/')[0]}/{last.part}")
                done["HLS: parts"] += 1
        except (aiohttp.ClientError, OSError, ValueError) as error:
            done[f"HLS: {reason(error)}"] += 1
            variant = None
            await asyncio.sleep(AGAIN_S)


async def chat_guest(place: Place, http: aiohttp.ClientSession, done: Counter[str]) -> None:
    """Comes in under a name of its own, speaks and listens, until it is cancelled."""
    base = f"{place.origin}/api/channels/{place.channel}/chat"
    while True:
        try:
            user = await _made(http, f"{base}/guest", {"name": f"guest {random.random():.9f}"})
            ticket = await _made(http, f"{base}/ticket", {"user": user["user"]})
            address = f"{place.origin}/chat/{place.channel}"
            async with http.ws_connect(address, heartbeat=20) as line:
                await line.send_json({"op": "hello", "v": 1, "ticket": ticket["ticket"]})
                done["chat: came"] += 1
                await _talk(line, done)
            done["chat: was closed"] += 1
        except (aiohttp.ClientError, OSError, ValueError, KeyError) as error:
            done[f"chat: {reason(error)}"] += 1
        await asyncio.sleep(AGAIN_S)


async def _talk(line: aiohttp.ClientWebSocketResponse, done: Counter[str]) -> None:
    number = 0
    while not line.closed:
        try:
            async with asyncio.timeout(SAYS_S):
                async for message in line:
                    if message.type is aiohttp.WSMsgType.TEXT:
                        done["chat: frames heard"] += 1
                        op = json.loads(message.data).get("op")
                        if op in ("ack", "error"):
                            done[f"chat: {op}"] += 1
                return
        except TimeoutError:
            number += 1
            await line.send_json({"op": "say", "id": f"m{number}", "text": f"word {number}"})


Person = Callable[[Place, aiohttp.ClientSession, Counter[str]], Awaitable[None]]


async def crowd(
    person: Person, count: int, place: Place, done: Counter[str], chance: random.Random
) -> None:
    """Always so many of them: each stays for a while, and another comes. Until it is cancelled."""

    async def seat() -> None:
        while True:
            timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
            async with aiohttp.ClientSession(timeout=timeout) as http:
                try:
                    async with asyncio.timeout(chance.uniform(*STAY_S)):
                        await person(place, http, done)
                except TimeoutError:
                    done[f"{person.__name__}: came and went"] += 1

    async with asyncio.TaskGroup() as seats:
        for _ in range(count):
            seats.create_task(seat())


def reason(error: Exception) -> str:
    """Short, so that equal ones can be counted."""
    if isinstance(error, aiohttp.ClientResponseError):
        return str(error.status)
    return type(error).__name__


async def _text(http: aiohttp.ClientSession, url: str) -> str:
    async with http.get(url, raise_for_status=True) as answer:
        return (await answer.read()).decode("latin-1")


async def _made(http: aiohttp.ClientSession, url: str, wish: dict[str, str]) -> dict[str, str]:
    async with http.post(url, json=wish, raise_for_status=True) as answer:
        made = json.loads(await answer.read())
    if not isinstance(made, dict):
        raise ValueError("no object")
    return {name: str(value) for name, value in made.items()}
