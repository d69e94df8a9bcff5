"""Heads that never end, in bytes or in time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from signaling.heads import FRAMING, guard
from signaling.problems import MAX_TARGET
from sluice.metrics import Metrics

HEADER_BYTES = 4_096
MOST = HEADER_BYTES + MAX_TARGET + FRAMING
REQUEST = b"GET / HTTP/1.1\r\nhost: here\r\n\r\n"


async def _hello(request: Request) -> Response:
    return PlainTextResponse("hello")


@asynccontextmanager
async def serving(metrics: Metrics, timeout_s: float) -> AsyncIterator[int]:
    config = uvicorn.Config(
        Starlette(routes=[Route("/", _hello, methods=["GET", "POST"])]),
        port=0,
        http=guard(HEADER_BYTES, timeout_s, metrics),
        lifespan="off",
        log_config=None,
    )
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        await server.shutdown()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def counted(metrics: Metrics, code: str) -> float:
    return float(f'sluice_http_problems_total{{code="{code}"}} 1.0' in metrics.render().decode())


async def test_a_request_is_answered_and_the_connection_goes_on(metrics: Metrics) -> None:
    async with serving(metrics, 5) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(3):
            writer.write(REQUEST)
            assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200")
        writer.close()


@pytest.mark.parametrize("before", [b"", REQUEST])
async def test_a_head_that_never_ends_is_refused_at_its_bound(
    metrics: Metrics, before: bytes
) -> None:
    async with serving(metrics, 5) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        if before:
            writer.write(before)
            await reader.readuntil(b"hello")
        begun = b"GET / HTTP/1.1\r\nx: "
        # The last byte is the one too many: a server that leaves some unread resets the connection.
        writer.write(begun + b"a" * (MOST + 1 - len(begun)))
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 431")
        assert json.loads(body)["code"] == "headers-too-large"
        assert counted(metrics, "headers-too-large") == 1
        writer.close()


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nhost: h"])
async def test_a_head_that_does_not_come_is_not_waited_for(metrics: Metrics, sent: bytes) -> None:
    async with serving(metrics, 0.2) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 408")
        assert json.loads(body)["code"] == "head-timeout"
        assert counted(metrics, "head-timeout") == 1
        writer.close()


async def test_a_large_body_is_no_head(metrics: Metrics) -> None:
    async with serving(metrics, 5) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        size = 4 * MOST
        writer.write(b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: %d\r\n\r\n" % size)
        writer.write(b"b" * size)
        assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200")
        writer.close()
