"""The least of an HTTP client, as servers see it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.bench.bad_http import Caller

GOOD = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nRetry-After: 7\r\nLocation: /a/b\r\n\r\nhi"
LAST = b"HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Server:
    """Gives its answers in turn, each to one request; None: it closes instead."""

    def __init__(self, *answers: bytes | None) -> None:
        self._answers = iter(answers)
        self.seen: list[tuple[str, bytes]] = []
        """The address that a request came from, and its head."""
        self.connections = 0
        self.port = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Server]:
        async with await asyncio.start_server(self._serve, "127.0.0.1", 0) as server:
            self.port = server.sockets[0].getsockname()[1]
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.seen.append((writer.get_extra_info("peername")[0], head))
                await reader.readexactly(int(head.lower().partition(b"content-length: ")[2][:1]))
                answer = next(self._answers)
                if answer is None:
                    return
                writer.write(answer)
        except asyncio.IncompleteReadError:
            return
        finally:
            writer.close()


async def test_it_comes_from_its_address_and_keeps_its_connection() -> None:
    async with Server(GOOD, GOOD).running() as server:
        caller = Caller("127.0.9.9", "127.0.0.1", server.port)
        for _ in range(2):
            answer = await caller.ask("POST", "/x", b"abc", {"X-Y": "z"})
            assert (answer.status, answer.body, answer.retry_after_s) == (201, b"hi", 7)
            assert answer.location == "/a/b"
        caller.close()
    assert server.connections == 1
    assert {address for address, _ in server.seen} == {"127.0.9.9"}
    assert server.seen[0][1].startswith(b"POST /x HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"\r\nX-Y: z\r\n" in server.seen[0][1]


async def test_a_connection_that_was_closed_meanwhile_is_made_anew() -> None:
    async with Server(GOOD, None, GOOD, LAST, GOOD).running() as server:
        caller = Caller("127.0.0.1", "127.0.0.1", server.port)
        statuses = [(await caller.ask("GET", "/")).status for _ in range(4)]
        caller.close()
    assert statuses == [201, 201, 503, 201]
    assert server.connections == 3


async def test_a_server_that_closes_at_once_is_an_error() -> None:
    async with Server(None).running() as server:
        with pytest.raises(EOFError):
            await Caller("127.0.0.1", "127.0.0.1", server.port).ask("GET", "/")
