"""A small caching edge: many viewers, one question to the origin.

    viewer -> gate (signed address) -> cache -> fill, shared by all who wait -> origin

It is an ASGI app without state on disk. A viewer costs one look-up and one write. Every answer
says in `X-Sluice-Edge` where it came from: hit, miss, shared (it waited with others), or stale
(the origin cannot be had at the moment).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from bridge.edge.cache import EdgeCache, Headers, Whole
from bridge.edge.fills import FillLimits, Fills, Growing
from bridge.edge.gate import Gate
from bridge.edge.key import BadDirective, Key, NoSuchPath, key_of
from bridge.edge.metrics import EdgeMetrics
from bridge.edge.reply import ANY_SITE, Receive, Send, hand_out, pass_on, refuse, write
from bridge.edge.upstream import Upstream
from bridge.signed import HEADER, ROOT, Signer, split
from sluice.clock import Clock, SystemClock
from sluice.errors import Problem
from sluice.metrics import CONTENT_TYPE

_GRANT_HEADER: Final = HEADER.encode()
_PREFLIGHT: Final[Headers] = [
    ANY_SITE,
    (b"access-control-allow-methods", b"GET, HEAD"),
    (b"access-control-allow-headers", b"range"),
    (b"access-control-max-age", b"86400"),
]


@dataclass(frozen=True, slots=True)
class EdgeLimits:
    """How much of the machine an edge takes."""

    kept_bytes: int = 256 << 20
    waiters: int = 20_000
    """Requests that wait at once; more get 503."""
    stale_ms: int = 60_000
    """For how long expired answers stand in while the origin is lost."""
    fills: FillLimits = field(default_factory=FillLimits)


class Edge:
    """The app. Run its ASGI lifespan, or `close` it."""

    def __init__(
        self,
        upstream: Upstream,
        signer: Signer | None = None,
        limits: EdgeLimits | None = None,
        clock: Clock | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        limits = limits or EdgeLimits()
        self._clock = clock or SystemClock()
        self._most_waiters = limits.waiters
        self._upstream = upstream
        self._metrics = EdgeMetrics()
        self._cache = EdgeCache(limits.kept_bytes, limits.stale_ms)
        self._fills = Fills(
            upstream, self._cache, self._clock, limits.fills, self._metrics.count_fetch, pause
        )
        self._gate = Gate(self._ask_grant, signer, self._clock)
        self.waiters = 0
        """Requests that wait for the origin now."""

    async def close(self) -> None:
        await self._fills.close()
        await self._gate.close()
        await self._upstream.close()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)

    # --- a request

    async def _serve(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        # Undecoded: an escaped path is another path, and never one of ours.
        path: str = scope["raw_path"].decode("latin-1")
        try:
            if not path.startswith(ROOT):
                sent = await self._serve_own(path, send)
            else:
                sent = await self._serve_stream(path, scope, receive, send)
        except Problem as problem:
            is_refusal = problem.kind.status in (401, 403)
            self._metrics.requests["refused" if is_refusal else "problem"] += 1
            sent = await refuse(send, problem)
        self._metrics.sent_bytes += sent

    async def _serve_own(self, path: str, send: Send) -> int:
        """The edge's own pages. Raises Problem."""
        if path == "/healthz":
            return await write(send, 200, [(b"content-type", b"text/plain")], b"ok\n")
        if path == "/metrics":
            self._metrics.waiters = self.waiters
            self._metrics.fills = len(self._fills)
            self._metrics.kept_bytes = self._cache.bytes
            text = (b"content-type", CONTENT_TYPE.encode())
            return await write(send, 200, [text], self._metrics.render())
        raise Problem("not-found", "An edge has streams only.")

    async def _serve_stream(
        self, raw: str, scope: MutableMapping[str, Any], receive: Receive, send: Send
    ) -> int:
        """Something of a stream; the bytes sent. Raises Problem."""
        if scope["method"] == "OPTIONS":
            return await write(send, 204, _PREFLIGHT, b"")
        if scope["method"] not in ("GET", "HEAD"):
            allowed = {"Allow": "GET, HEAD, OPTIONS"}
            raise Problem("method-not-allowed", "Streams are only read.", headers=allowed)
        asked: dict[bytes, bytes] = dict(scope["headers"])
        is_head = scope["method"] == "HEAD"
        grant, path = split(raw)
        if grant is None and _GRANT_HEADER in asked:
            grant = asked[_GRANT_HEADER].decode("latin-1")  # from an edge in front of this one
        key = _key(path, scope["query_string"].decode("latin-1"))
        if key.channel and not self._gate.is_open(key.channel, grant):
            with self._waiting():
                await self._gate.admit(key.channel, grant)
        answer, outcome = await self._find(key, grant)
        self._metrics.requests[outcome] += 1
        if isinstance(answer, Growing):
            if b"range" not in asked or is_head:
                return await pass_on(receive, send, answer, outcome, is_head)
            # A piece of something whose length is not known yet, but will be in a moment.
            with self._waiting():
                answer = await answer.whole()
        age_s = answer.age_s(self._clock.now_ms())
        return await hand_out(send, answer, outcome, asked, age_s, is_head)

    async def _find(self, key: Key, grant: str | None) -> tuple[Whole | Growing, str]:
        """The answer, and where it came from. Raises Problem."""
        now_ms = self._clock.now_ms()
        target = key.target
        if (kept := self._cache.fresh(target, now_ms)) is not None:
            return kept, "hit"
        if (held := self._cache.held(target, now_ms)) is not None:
            return held, "stale"
        with self._waiting():
            fill = self._fills.under_way(target)
            outcome = "miss" if fill is None else "shared"
            filled = await (fill or self._fills.start(key, grant)).wait()
        return filled.answer, "stale" if filled.stale else outcome

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        """Raises Problem when too many wait already."""
        if self.waiters >= self._most_waiters:
            raise Problem("busy", "Too many requests wait for the origin.", retry_after_s=1)
        self.waiters += 1
        try:
            yield
        finally:
            self.waiters -= 1

    # --- beside it

    async def _ask_grant(self, channel: str, grant: str | None) -> int:
        async with self._upstream.get(f"/live-grant/{channel}", grant) as reply:
            return reply.status

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self.close()
                return await send({"type": "lifespan.shutdown.complete"})


def _key(path: str, query: str) -> Key:
    try:
        return key_of(path, query)
    except NoSuchPath:
        raise Problem("not-found", "No stream has such an address.") from None
    except BadDirective as bad:
        raise Problem("bad-request", f"These directives cannot be read: {bad}.") from None
