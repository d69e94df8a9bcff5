"""`/live/...`: playlists and media for everybody, written to the socket without detours.

A raw ASGI app. The origin (bridge/origin.py) says what the answer is; here it gets its headers
and goes out. A request that is held, or streamed, ends when its client goes away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import aclosing
from typing import Final, Protocol

import msgspec
import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from bridge.address import LONGEST, parse_address
from bridge.answer import Answer, Asked, Headers
from bridge.cmcd import Quality, read_cmcd
from bridge.origin import Left, Origin
from bridge.playlist import iso
from bridge.signed import HEADER, ROOT, split
from signaling.headers import HSTS
from signaling.routing import ROUTE_KEY, STREAMED_KEY
from sluice.clock import Clock
from sluice.errors import Problem
from sluice.ids import CHANNEL_PATTERN

log = structlog.get_logger(__name__)

TIME: Final = "/live/time"
"""Says the server's time, for DASH players."""
MAX_QUERY: Final = 2_048
MAX_HEADER: Final = 1_024
"""Characters of a header that is read at all."""
_BEGUN: Final = "sluice.begun"
"""In the scope of a request whose response has begun."""
_METHODS: Final = "GET, HEAD, OPTIONS"
_EXPOSED: Final = "Age, Date, Content-Length, Content-Range, ETag, Retry-After"
_COMMON: Final[Headers] = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", _EXPOSED.encode()),
    (b"cross-origin-resource-policy", b"cross-origin"),
    # A browser that is led here by its address bar may play it, and nothing more.
    (b"content-security-policy", b"default-src 'none'; media-src 'self'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"timing-allow-origin", b"*"),
    (b"x-content-type-options", b"nosniff"),
]
_PREFLIGHT: Final[Headers] = [
    (b"access-control-allow-methods", _METHODS.encode()),
    (
        b"access-control-allow-headers",
        b"Range, If-None-Match, CMCD-Request, CMCD-Object, CMCD-Session, CMCD-Status",
    ),
    (b"access-control-max-age", b"86400"),
    (b"cache-control", b"public, max-age=86400"),
]
_HEADERS_READ: Final = {
    b"accept-encoding": "gzip",
    b"range": "range",
    b"if-range": "if_range",
    b"if-none-match": "if_none_match",
}


class Presentations(Protocol):
    """Who knows what is live."""

    def find(self, channel: str) -> Origin | None:
        """The origin of a channel, if its bridge runs."""
        ...

    async def wanted(self, channel: str) -> Origin | None:
        """Somebody asks for a channel without a bridge: may start it, and wait some seconds.

        None when there is nothing to be had. May raise Problem, such as `not-live`.
        """
        ...


class Meter(Protocol):
    """Counts, with labels from small fixed sets only."""

    def answered(self, kind: str, status: int, size: int) -> None:
        """A response began. `kind` is that of bridge.address, `time` or `other`; `size` is 0
        for what is streamed.
        """
        ...

    def reported(self, quality: Quality) -> None:
        """A player said how it fares."""
        ...

    def refused(self, code: str) -> None:
        """A problem of this code was the answer."""
        ...


Admit = Callable[[str, str | None], None]
"""(channel, signed grant of the path or of an edge): raises Problem when it opens nothing."""


class Live:
    """The app for all addresses below `/live/`."""

    def __init__(
        self,
        presentations: Presentations,
        clock: Clock,
        meter: Meter,
        *,
        admit: Admit | None = None,
        https: bool = False,
    ) -> None:
        self._presentations = presentations
        self._clock = clock
        self._meter = meter
        self._admit = admit
        self._headers = list(_COMMON)
        if https:
            self._headers.append((b"strict-transport-security", HSTS.encode()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[STREAMED_KEY] = True  # a held answer's time says nothing about the server
        scope[ROUTE_KEY] = "/live/{path}"
        kind = "other"
        try:
            path = _path(scope)
            kind = "time" if path == TIME else _kind(path)
            if scope["method"] == "OPTIONS":
                answer = Answer(204, _PREFLIGHT, b"")
            elif scope["method"] not in ("GET", "HEAD"):
                detail = f"{scope['method'][:20]} is not for media."
                raise Problem("method-not-allowed", detail, headers={"Allow": _METHODS})
            elif path == TIME:
                answer = self._time()
            else:
                await self._serve(path, kind, scope, receive, send)
                return
        except Problem as problem:
            self._meter.refused(problem.kind.code)
            answer = _problem(problem)
        except Exception as error:
            log.error("unexpected error", path=scope["path"], exc_info=error)
            if _BEGUN in scope:
                raise
            self._meter.refused("internal")
            answer = _problem(Problem("internal", "Something went wrong that we did not foresee."))
        await self._write(answer, kind, scope, send)

    async def _serve(
        self, path: str, kind: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """An address of a channel. Raises Problem as long as nothing was sent."""
        grant, plain = split(path)
        channel, _, address = plain[len(ROOT) :].partition("/")
        if not CHANNEL_PATTERN.fullmatch(channel) or kind == "other":
            raise Problem("media-unknown", "There is nothing of this name.", headers=_SHORT)
        if self._admit is not None:
            self._admit(channel, grant or _edges_grant(scope["headers"]))
        query = _query(scope)
        if (quality := read_cmcd(query)) is not None:
            self._meter.reported(quality)
        asked = _asked(address, query, scope["headers"])
        origin = self._presentations.find(channel)
        answer = None
        if origin is not None:
            answer = origin.respond(asked)
        if isinstance(answer, Answer) and isinstance(answer.body, bytes):
            await self._write(answer, kind, scope, send)
            return
        leaving = asyncio.ensure_future(_disconnected(receive))
        try:
            answer = await self._awaited(channel, origin, asked, leaving)
            await self._write(answer, kind, scope, send, leaving)
        except Left:
            return
        finally:
            leaving.cancel()

    async def _awaited(
        self, channel: str, origin: Origin | None, asked: Asked, leaving: asyncio.Future[None]
    ) -> Answer:
        """An answer that does not exist yet. Raises Problem and Left."""
        if origin is None:
            starting = asyncio.ensure_future(self._presentations.wanted(channel))
            try:
                await asyncio.wait((starting, leaving), return_when=asyncio.FIRST_COMPLETED)
                if not starting.done():
                    raise Left
                origin = starting.result()
            finally:
                starting.cancel()
        if origin is None:
            headers = {"Cache-Control": "public, max-age=1"}
            raise Problem("media-unknown", "The channel is not live.", headers=headers)
        return await origin.answer(asked, leaving)

    async def _write(
        self,
        answer: Answer,
        kind: str,
        scope: Scope,
        send: Send,
        leaving: asyncio.Future[None] | None = None,
    ) -> None:
        body = answer.body
        whole = isinstance(body, bytes)
        self._meter.answered(kind, answer.status, len(body) if isinstance(body, bytes) else 0)
        headers = answer.headers + self._headers
        scope[_BEGUN] = True
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if isinstance(body, bytes) or scope["method"] == "HEAD":
            sent = body if whole and scope["method"] != "HEAD" else b""
            await send({"type": "http.response.body", "body": sent})
            return
        # Without the last message the connection is cut: what broke off must not look whole.
        try:
            async with aclosing(body) as pieces:
                async for piece in pieces:
                    if leaving is not None and leaving.done():
                        return
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
        except TimeoutError:
            return
        await send({"type": "http.response.body", "body": b""})

    def _time(self) -> Answer:
        body = iso(self._clock.wall_ms()).encode()
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
        ]
        return Answer(200, headers, body)


class Front:
    """Puts `Live` before another app, which gets everything else."""

    def __init__(self, app: ASGIApp, live: ASGIApp) -> None:
        self._app = app
        self._live = live

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_live = scope["type"] == "http" and scope["path"].startswith(ROOT)
        await (self._live if is_live else self._app)(scope, receive, send)


_SHORT: Final = {"Cache-Control": "public, max-age=1"}


def _path(scope: Scope) -> str:
    """The path as it was sent. No address has an escape in it, so an escaped one is none."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    if len(raw) > len(ROOT) + 128 + 64 + LONGEST:
        raise Problem("media-unknown", "There is nothing of this name.", headers=_SHORT)
    return raw.decode("latin-1")


def _kind(path: str) -> str:
    address = parse_address(split(path)[1][len(ROOT) :].partition("/")[2])
    return address.kind if address is not None else "other"


def _query(scope: Scope) -> str:
    raw: bytes = scope["query_string"]
    if len(raw) > MAX_QUERY:
        raise Problem("uri-too-long", f"The query is at most {MAX_QUERY} bytes.")
    return raw.decode("latin-1")


def _asked(address: str, query: str, headers: Iterable[tuple[bytes, bytes]]) -> Asked:
    read = {"gzip": "", "range": "", "if_range": "", "if_none_match": ""}
    for name, value in headers:
        field = _HEADERS_READ.get(name)
        if field is not None and len(value) <= MAX_HEADER:
            # A header that stands there twice is a list (RFC 9110 section 5.3).
            text = value.decode("latin-1")
            read[field] = f"{read[field]}, {text}" if read[field] else text
    return Asked(
        address,
        query,
        _takes_gzip(read["gzip"]),
        read["range"],
        read["if_range"],
        read["if_none_match"],
    )


def _edges_grant(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """What an edge was given in the path, which it cut off for its cache."""
    name = HEADER.encode()
    return next((value.decode("latin-1") for key, value in headers if key == name), None)


def _takes_gzip(accepted: str) -> bool:
    for one in accepted.lower().split(","):
        coding, _, weight = one.replace(" ", "").partition(";")
        if coding in ("gzip", "x-gzip", "*"):
            return not (weight.startswith("q=") and weight[2:].strip("0.") == "")
    return False


def _problem(problem: Problem) -> Answer:
    body = msgspec.json.encode(problem.body())
    told = {"Cache-Control": "no-store", **problem.headers}
    if problem.retry_after_s is not None:
        told["Retry-After"] = str(problem.retry_after_s)
    headers = [(name.lower().encode(), value.encode()) for name, value in told.items()]
    headers.append((b"content-type", b"application/problem+json"))
    headers.append((b"content-length", b"%d" % len(body)))
    return Answer(problem.kind.status, headers, body)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
