"""Many connections that wait for one answer, and when each of them got it."""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from collections.abc import Sequence
from typing import cast

FIRST_S = 20.0
LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)


class Waiter(asyncio.Protocol):
    """One connection. It is not closed between requests."""

    def __init__(self) -> None:
        self.done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        """The monotonic time (ns) at which the whole answer was here."""
        self.status = 0
        self._transport: asyncio.Transport
        self._seen = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own one is like it

    def ask(self, target: str) -> None:
        """Raises ConnectionError when the server has closed meanwhile."""
        if self._transport.is_closing():
            raise ConnectionError("closed before it asked")
        self.done = asyncio.get_running_loop().create_future()
        self._seen = b""
        self._transport.write(
            f"GET {target} HTTP/1.1\r\nHost: live.example.org\r\n"
            "Accept-Encoding: gzip\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        now_ns = time.monotonic_ns()
        self._seen += data
        if (status := whole(self._seen)) is not None and not self.done.done():
            self.status = status
            self.done.set_result(now_ns)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(ConnectionError(f"closed while it waited: {error}"))

    def close(self) -> None:
        self._transport.abort()


async def connected(
    count: int, port: int, first: str, tls: ssl.SSLContext | None = None, at_once: int = 50
) -> list[Waiter]:
    """So many connections to a port of this machine. Each has had its first answer: servers close
    connections on which nobody asks."""
    loop = asyncio.get_running_loop()
    turns = asyncio.Semaphore(at_once)

    async def one() -> Waiter:
        async with turns:
            _, waiter = await loop.create_connection(Waiter, "127.0.0.1", port, ssl=tls)
            waiter.ask(first)
            await answered([waiter], FIRST_S)
            return waiter

    return list(await asyncio.gather(*(one() for _ in range(count))))


async def answered(waiters: Sequence[Waiter], within_s: float) -> list[int]:
    """When each got its answer (ns). Raises TimeoutError, and RuntimeError for another status
    than 200."""
    async with asyncio.timeout(within_s):
        times = list(await asyncio.gather(*(waiter.done for waiter in waiters)))
    wrong = {waiter.status for waiter in waiters} - {200}
    if wrong:
        raise RuntimeError(f"answers of status {sorted(wrong)}")
    return times


def whole(seen: bytes) -> int | None:
    """The status of an answer that is here in full; None while some of it is missing."""
    head, end, body = seen.partition(b"\r\n\r\n")
    if not end:
        return None
    length = LENGTH.search(head)
    if length is None:
        return int(head[9:12]) if body.endswith(b"0\r\n\r\n") else None
    return int(head[9:12]) if len(body) >= int(length[1]) else None
