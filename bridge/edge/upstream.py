"""How an edge asks its origin, over HTTP, with its own time limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Final, Protocol

import aiohttp
from yarl import URL

from bridge.signed import HEADER

CONNECT_S: Final = 2.0
HELD_S: Final = 45.0
"""An origin holds a blocked reload for at most three target durations."""
SILENCE_S: Final = 15.0
"""Between two chunks of an open segment."""

IDLE_S: Final = 10.0
"""Shorter than the origin's own, so that no question meets a connection it has closed."""


class OriginLost(Exception):
    """It cannot be reached, or the answer broke off."""


@dataclass(slots=True)
class Reply:
    """The head of an answer; `chunks` is its body and may be read once. Raises OriginLost."""

    status: int
    headers: list[tuple[bytes, bytes]]
    """Names in lower case."""
    length: int | None
    """Bytes of the body; None: it comes as it is made."""
    chunks: AsyncIterator[bytes]

    def header(self, name: bytes) -> bytes | None:
        return next((value for known, value in self.headers if known == name), None)


class Upstream(Protocol):
    """The origin, or another edge in front of it."""

    def get(self, target: str, grant: str | None) -> AbstractAsyncContextManager[Reply]:
        """Ask for a path with its query. Raises OriginLost."""
        ...

    async def close(self) -> None:
        """Let all connections go."""
        ...


class HttpUpstream:
    """Keeps connections open, as many as it is asked for: the caller bounds them."""

    def __init__(self, origin: str) -> None:
        """`origin`: scheme, host and port. Raises ValueError for anything else."""
        url = URL(origin)
        if url.scheme not in ("http", "https") or not url.host or url.path not in ("", "/"):
            raise ValueError(f"{origin!r} is no origin like http://127.0.0.1:8080")
        self._origin = str(url.origin())
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    @asynccontextmanager
    async def get(self, target: str, grant: str | None) -> AsyncIterator[Reply]:
        headers = {} if grant is None else {HEADER: grant}
        timeout = aiohttp.ClientTimeout(sock_connect=CONNECT_S, sock_read=HELD_S)
        url = URL(self._origin + target, encoded=True)
        try:
            async with self._open().get(
                url, headers=headers, allow_redirects=False, timeout=timeout
            ) as response:
                yield Reply(
                    response.status,
                    [(name.lower(), value) for name, value in response.raw_headers],
                    response.content_length,
                    self._chunks(response),
                )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise OriginLost(f"{target}: {error!r}") from error

    async def _chunks(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        try:
            while True:
                async with asyncio.timeout(SILENCE_S):
                    chunk = await response.content.readany()
                if not chunk:
                    return
                yield chunk
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise OriginLost(f"the answer broke off: {error!r}") from error

    def _open(self) -> aiohttp.ClientSession:
        # Only here: a session belongs to the loop that runs.
        if self._session is None:
            self._session = aiohttp.ClientSession(
                auto_decompress=False,
                connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=10, keepalive_timeout=IDLE_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"Accept-Encoding": "gzip", "User-Agent": "sluice-edge"},
            )
        return self._session
