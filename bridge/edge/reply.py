"""How an edge writes an answer to one viewer: whole, a piece of it, as it grows, or a refusal."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any, Final

import msgspec

from bridge.byte_range import NotSatisfiable, byte_range
from bridge.edge.cache import Headers, Whole
from bridge.edge.fills import Growing
from sluice.errors import Problem

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

ANY_SITE: Final = (b"access-control-allow-origin", b"*")
"""A stream is for players on any page; who may watch is said by the address alone."""
_EXPOSE: Final = b"access-control-expose-headers"
_SET_HERE: Final = frozenset((ANY_SITE[0], _EXPOSE))


async def write(send: Send, status: int, headers: Headers, body: bytes, length: int = -1) -> int:
    """An answer in one piece; the bytes of its body. `length`: of what HEAD leaves out."""
    size = len(body) if length < 0 else length
    if status not in (204, 304):
        headers = [*headers, (b"content-length", b"%d" % size)]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
    return len(body)


async def refuse(send: Send, problem: Problem) -> int:
    """A problem object (RFC 9457), for players of any site to read."""
    headers = [
        ANY_SITE,
        (b"content-type", b"application/problem+json"),
        # A refusal is about one viewer, or about this moment.
        (b"cache-control", b"no-store"),
        *((name.lower().encode(), value.encode()) for name, value in problem.headers.items()),
    ]
    if problem.retry_after_s is not None:
        headers.append((b"retry-after", b"%d" % problem.retry_after_s))
    return await write(send, problem.kind.status, headers, msgspec.json.encode(problem.body()))


async def hand_out(
    send: Send, whole: Whole, outcome: str, asked: dict[bytes, bytes], age_s: int, is_head: bool
) -> int:
    """What is kept, or as much of it as was asked for; the bytes of its body. Raises Problem."""
    packed = whole.zipped and b"gzip" in asked.get(b"accept-encoding", b"")
    ready = whole.ready.get((outcome, packed))
    if ready is None:
        ready = whole.ready[outcome, packed] = _ready(whole, outcome, packed)
    # All that most viewers cost: this list, and the two messages.
    headers = [*ready, (b"age", b"%d" % age_s)]
    if whole.status == 200:
        tag = whole.tag
        if tag is not None and b"if-none-match" in asked and _names(asked[b"if-none-match"], tag):
            return await write(send, 304, headers, b"")
        if not whole.zipped and b"range" in asked and asked.get(b"if-range", tag) == tag:
            return await _piece(send, headers, whole.body, asked[b"range"], is_head)
    try:
        body = whole.body if packed else whole.plain()
    except zlib.error as error:
        raise Problem("internal", f"The origin's answer is damaged: {error}.") from None
    return await write(send, whole.status, headers, b"" if is_head else body, len(body))


async def pass_on(
    receive: Receive, send: Send, growing: Growing, outcome: str, is_head: bool
) -> int:
    """An answer as it grows, until its end or until this viewer leaves; the bytes sent.

    One that breaks off is left without its end, by which the server closes the connection: the
    viewer must not think it whole.
    """
    headers = _with_edge(growing.headers, outcome)
    await send({"type": "http.response.start", "status": growing.status, "headers": headers})
    sent = 0
    if not is_head:
        leaving = asyncio.create_task(_left(receive), name="viewer leaves")
        try:
            async for chunk in growing.read():
                if leaving.done():
                    return sent
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
                sent += len(chunk)
        finally:
            leaving.cancel()
            with suppress(asyncio.CancelledError):
                await leaving
    if not growing.broken:
        await send({"type": "http.response.body", "body": b""})
    return sent


async def _piece(send: Send, headers: Headers, body: bytes, asked: bytes, is_head: bool) -> int:
    try:
        found = byte_range(asked.decode("latin-1"), len(body))
    except NotSatisfiable:
        return await write(
            send, 416, [*headers, (b"content-range", b"bytes */%d" % len(body))], b""
        )
    if found is None:
        return await write(send, 200, headers, b"" if is_head else body, len(body))
    first, end = found
    said = b"bytes %d-%d/%d" % (first, end - 1, len(body))
    piece = b"" if is_head else body[first:end]
    return await write(send, 206, [*headers, (b"content-range", said)], piece, end - first)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _ready(whole: Whole, outcome: str, packed: bool) -> Headers:
    """All headers of an answer but those that change while it is kept."""
    headers = _with_edge(whole.headers, outcome)
    if whole.zipped:
        headers.append((b"vary", b"accept-encoding"))
    elif whole.status == 200:
        headers = [pair for pair in headers if pair[0] != b"accept-ranges"]
        headers.append((b"accept-ranges", b"bytes"))
    if packed:
        headers.append((b"content-encoding", b"gzip"))
    return headers


def _with_edge(headers: Headers, outcome: str) -> Headers:
    kept = [pair for pair in headers if pair[0] not in _SET_HERE]
    if outcome == "stale":
        # It stands under an address that should hold something newer: nobody may keep it there.
        kept = [pair for pair in kept if pair[0] != b"cache-control"]
        kept.append((b"cache-control", b"no-cache"))
    exposed = next((value for name, value in headers if name == _EXPOSE), b"Age")
    return [
        *kept,
        ANY_SITE,
        (_EXPOSE, exposed + b", X-Sluice-Edge"),
        (b"x-sluice-edge", outcome.encode()),
    ]


def _names(if_none_match: bytes, tag: bytes) -> bool:
    known = {one.strip().removeprefix(b"W/") for one in if_none_match[:1_000].split(b",")}
    return b"*" in known or tag.removeprefix(b"W/") in known
