"""Fills: one question to the origin for each key, however many viewers wait for its answer.

A fill belongs to nobody. Viewers come to it and leave it; it ends when the origin has answered,
or when there is nothing left to try.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from bridge.edge.cache import EdgeCache, Headers, Whole, lifetime_ms
from bridge.edge.key import Key
from bridge.edge.upstream import OriginLost, Reply, Upstream
from sluice.clock import Clock
from sluice.errors import Problem
from sluice.tasks import Tasks

WHOLE_BYTES: Final = 1 << 20
"""An answer of known length up to this is awaited in full: viewers are woken once."""
LARGEST_BYTES: Final = 64 << 20
OWN_HEADERS: Final = frozenset(
    b"age connection content-length date keep-alive server set-cookie te trailer"
    b" transfer-encoding upgrade vary via x-sluice-edge".split()
)
"""Set by the edge itself, or about one connection only."""


@dataclass(frozen=True, slots=True)
class FillLimits:
    """Times in milliseconds."""

    blocked: int = 2_048
    """Fills that may wait for media yet to come, each with a connection; more get 503."""
    open: int = 1_024
    """Other fills at once, among them parts that are almost there; more wait for their turn."""
    patience_ms: int = 3_000
    """For how long an origin that is lost is asked again before a viewer hears of it."""
    retry_ms: int = 250


class Growing:
    """The body of an answer that is still being made. Any number may read it, from its start."""

    def __init__(self, reply: Reply, headers: Headers, made_ms: int) -> None:
        self._made_ms = made_ms
        self.status = reply.status
        self.headers = headers
        self.broken = False
        """The origin was lost in the middle: whoever reads it must not think it whole."""
        self._chunks: list[bytes] = []
        self._ended = False
        self._news = asyncio.Event()

    async def read(self) -> AsyncIterator[bytes]:
        """Chunks as they come. After the last one look at `broken`."""
        at = 0
        while True:
            while at < len(self._chunks):
                yield self._chunks[at]
                at += 1
            if self._ended:
                return
            await self._news.wait()

    async def whole(self) -> Whole:
        """All of it, when it has come. Raises Problem when it broke off."""
        body = b"".join([chunk async for chunk in self.read()])
        if self.broken:
            raise Problem("busy", "The origin's answer broke off.", retry_after_s=1)
        return Whole(self.status, self.headers, body, made_ms=self._made_ms)

    def add(self, chunk: bytes) -> None:
        self._chunks.append(chunk)
        self._tell()

    def end(self, *, broken: bool) -> None:
        self.broken, self._ended = broken, True
        self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()


@dataclass(frozen=True, slots=True)
class Filled:
    """What became of a fill."""

    answer: Whole | Growing
    stale: bool = False
    """It stands in for what could not be had."""


class Fill:
    """One that is under way."""

    def __init__(self) -> None:
        self._ready = asyncio.Event()
        self._filled: Filled | Problem | None = None

    async def wait(self) -> Filled:
        """Raises Problem."""
        await self._ready.wait()
        if isinstance(self._filled, Filled):
            return self._filled
        # A new one for each: a raised exception collects the traces of all who wait.
        known = self._filled or Problem("internal", "A fill ended without an answer.")
        raise Problem(known.kind.code, known.detail, retry_after_s=known.retry_after_s)

    @property
    def decided(self) -> bool:
        return self._filled is not None

    def decide(self, filled: Filled | Problem) -> None:
        if self._filled is None:
            self._filled = filled
            self._ready.set()


class Fills:
    """All that are under way, by key."""

    def __init__(
        self,
        upstream: Upstream,
        cache: EdgeCache,
        clock: Clock,
        limits: FillLimits,
        counted: Callable[[str], None],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`counted` hears how each question to the origin ended: answered, failed, lost."""
        self._upstream = upstream
        self._cache = cache
        self._clock = clock
        self._limits = limits
        self._counted = counted
        self._pause = pause
        self._running: dict[str, Fill] = {}
        self._blocked = 0
        self._turn = asyncio.Semaphore(limits.open)
        self._tasks = Tasks()

    def __len__(self) -> int:
        return len(self._running)

    def under_way(self, target: str) -> Fill | None:
        return self._running.get(target)

    def start(self, key: Key, grant: str | None) -> Fill:
        """Ask the origin. Raises Problem when too many questions wait there already."""
        if key.blocks and self._blocked >= self._limits.blocked:
            raise Problem("busy", "Too many reloads wait at the origin.", retry_after_s=1)
        fill = self._running[key.target] = Fill()
        self._blocked += key.blocks
        self._tasks.spawn(self._run(key, grant, fill), f"fill {key.target}")
        return fill

    async def close(self) -> None:
        await self._tasks.close()

    async def _run(self, key: Key, grant: str | None, fill: Fill) -> None:
        try:
            if key.blocks:
                await self._insist(key, grant, fill)
            else:
                async with self._turn:
                    await self._insist(key, grant, fill)
        finally:
            self._blocked -= key.blocks
            self._running.pop(key.target, None)
            fill.decide(Problem("busy", "The edge is stopping.", retry_after_s=1))

    async def _insist(self, key: Key, grant: str | None, fill: Fill) -> None:
        """Ask until there is an answer, or something that may stand in for it."""
        until_ms = self._clock.now_ms() + self._limits.patience_ms
        while not await self._ask(key, grant, fill):
            now_ms = self._clock.now_ms()
            # Who waits for news may wait a little more; who wants what is there gets it now.
            if now_ms >= until_ms or not key.blocks:
                if (known := self._cache.stand_in(key, now_ms)) is not None:
                    return fill.decide(Filled(known, stale=True))
                if now_ms >= until_ms:
                    gone = Problem("busy", "The origin does not answer.", retry_after_s=1)
                    return fill.decide(gone)
            await self._pause(self._limits.retry_ms / 1_000)

    async def _ask(self, key: Key, grant: str | None, fill: Fill) -> bool:
        """One question; whether it brought an answer."""
        try:
            async with self._upstream.get(key.target, grant) as reply:
                if self._is_failure(key, reply):
                    self._counted("failed")
                    return False
                await self._take(key, reply, fill)
        except OriginLost:
            self._counted("lost")
            return fill.decided
        self._counted("answered")
        return True

    def _is_failure(self, key: Key, reply: Reply) -> bool:
        """An error that says for how long it holds is an answer; any other is a fault.

        A playlist that was there a moment ago and is not known any more: the origin has
        restarted, and the publisher is on the way back.
        """
        if reply.status in (404, 409) and key.is_playlist:
            return self._cache.stand_in(key, self._clock.now_ms()) is not None
        return reply.status >= 500 and not lifetime_ms(reply.header(b"cache-control"))

    async def _take(self, key: Key, reply: Reply, fill: Fill) -> None:
        """Read an answer, hand it out, keep it. Raises OriginLost."""
        made_ms = self._clock.now_ms() - 1_000 * _seconds(reply.header(b"age"))
        headers = [pair for pair in reply.headers if pair[0] not in OWN_HEADERS]
        zipped = reply.header(b"content-encoding") == b"gzip"
        growing = None
        if not zipped and (reply.length is None or reply.length > WHOLE_BYTES):
            growing = Growing(reply, headers, made_ms)
            fill.decide(Filled(growing))
        body = await self._read(reply, growing)
        lifetime = lifetime_ms(reply.header(b"cache-control"))
        if reply.status in (401, 403):
            lifetime = 0  # about whoever asked, and not about the key
        if zipped:
            headers = [pair for pair in headers if pair[0] != b"content-encoding"]
        whole = Whole(reply.status, headers, body, zipped, lifetime, made_ms)
        self._cache.keep(key, whole, self._clock.now_ms())
        fill.decide(Filled(whole))

    async def _read(self, reply: Reply, growing: Growing | None) -> bytes:
        chunks: list[bytes] = []
        size, broken = 0, True
        try:
            async for chunk in reply.chunks:
                chunks.append(chunk)
                size += len(chunk)
                if size > LARGEST_BYTES:
                    raise OriginLost(f"an answer over {LARGEST_BYTES} bytes")
                if growing is not None:
                    growing.add(chunk)
            broken = False
        finally:
            if growing is not None:
                growing.end(broken=broken)
        return b"".join(chunks)


def _seconds(age: bytes | None) -> int:
    return int(age) if age is not None and age.isdigit() and len(age) < 10 else 0
