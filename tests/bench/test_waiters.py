"""How connections that wait know that their answer is whole."""

from __future__ import annotations

import asyncio

import pytest

from tests.bench.waiters import answered, connected, whole

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"


@pytest.mark.parametrize(
    ("seen", "status"),
    [
        (b"", None),
        (HEAD[:-1], None),
        (HEAD + b"ab", None),
        (HEAD + b"abc", 200),
        (b"HTTP/1.1 503 x\r\ncontent-length:0\r\n\r\n", 503),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", None),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 200),
    ],
)
def test_an_answer_is_whole_with_its_last_byte(seen: bytes, status: int | None) -> None:
    assert whole(seen) == status


async def answer_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while (asked := await reader.readuntil(b"\r\n\r\n")).startswith(b"GET /good"):
        writer.write(HEAD + b"abc")
    bad = b"404" if asked.startswith(b"GET /gone") else b""
    writer.write(b"HTTP/1.1 " + bad + b" x\r\ncontent-length: 0\r\n\r\n" if bad else b"")
    writer.close()


async def test_all_get_their_answers_and_a_failure_is_told() -> None:
    server = await asyncio.start_server(answer_all, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        waiters = await connected(5, port, "/good")
        for waiter in waiters:
            waiter.ask("/good")
        assert len(await answered(waiters, 5)) == 5
        gone, closed = waiters[:2]
        gone.ask("/gone")
        with pytest.raises(RuntimeError, match="404"):
            await answered([gone], 5)
        closed.ask("/closed")
        with pytest.raises(ConnectionError):
            await answered([closed], 5)
        for waiter in waiters:
            waiter.close()
