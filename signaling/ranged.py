"""A response whose bytes lie in files or in a store: with ranges, and a piece at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Final

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from bridge.byte_range import NotSatisfiable, byte_range
from signaling.routing import STREAMED_KEY
from sluice.errors import Problem

PIECE: Final = 256 << 10
"""Bytes that are read and sent at once."""

Read = Callable[[int, int], Iterator[bytes]]
"""(start, length): the bytes, in pieces of any size. Blocking, so it runs in a thread."""


class Ranged:
    """An ASGI app that answers GET and HEAD (RFC 9110 section 14)."""

    def __init__(
        self,
        request: Request,
        size: int,
        read: Read,
        *,
        etag: str,
        content_type: str,
        cache_control: str,
        file_name: str | None = None,
    ) -> None:
        """`etag` without its quotes. `file_name`: browsers save it under this name instead of
        showing it. Raises Problem `range-refused`."""
        self._read = read
        self._status = 200
        self._start, self._length = 0, size
        tag = f'"{etag}"'
        self._headers = {
            "content-type": content_type,
            "cache-control": cache_control,
            "etag": tag,
            "accept-ranges": "bytes",
            "cross-origin-resource-policy": "cross-origin",
        }
        if file_name is not None:
            self._headers["content-disposition"] = f'attachment; filename="{file_name}"'
        if _names(request.headers.get("if-none-match", ""), tag):
            self._status, self._length = 304, 0
            return
        wanted = None
        if request.headers.get("if-range", tag) == tag:
            try:
                wanted = byte_range(request.headers.get("range"), size)
            except NotSatisfiable as error:
                said = {"Content-Range": f"bytes */{size}"}
                raise Problem("range-refused", f"It has {size} bytes.", headers=said) from error
        if wanted is not None:
            self._status, self._start = 206, wanted[0]
            self._length = wanted[1] - wanted[0]
            self._headers["content-range"] = f"bytes {wanted[0]}-{wanted[1] - 1}/{size}"
        self._headers["content-length"] = str(self._length)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[STREAMED_KEY] = True  # its time is the client's
        pieces: Iterator[bytes] = iter(())
        piece = b""
        if scope["method"] != "HEAD" and self._length:
            pieces = self._read(self._start, self._length)
            # Before the headers: where there is nothing, the error is still an answer.
            piece = await asyncio.to_thread(_next, pieces)
        headers = [(name.encode(), value.encode()) for name, value in self._headers.items()]
        await send({"type": "http.response.start", "status": self._status, "headers": headers})
        # The server takes what is sent to nobody, and a file may be very long.
        leaving = asyncio.create_task(_left(receive))
        try:
            # What breaks off raises here, without the last message: the connection is cut, so that
            # half a file does not pass for a whole one.
            while piece and not leaving.done():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                piece = await asyncio.to_thread(_next, pieces)
        finally:
            leaving.cancel()
        if not piece:
            await send({"type": "http.response.body", "body": b""})


async def _left(receive: Receive) -> None:
    """Returns when the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _next(pieces: Iterator[bytes]) -> bytes:
    """About PIECE bytes more; empty at the end."""
    found: list[bytes] = []
    size = 0
    while size < PIECE and (piece := next(pieces, None)) is not None:
        found.append(piece)
        size += len(piece)
    return found[0] if len(found) == 1 else b"".join(found)


def _names(header: str, tag: str) -> bool:
    return any(one.strip().removeprefix("W/") in (tag, "*") for one in header.split(",", 64))
