"""Attacks on HTTP: slow ones, large ones, many at once. Straight at the server, without a proxy."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

import aiohttp

from tests.bench.waiters import whole
from tests.faults.nginx import PROXY, Proxy, nginx
from tests.faults.outage import sequence
from tests.faults.row import LIGHT, WHOLE, Measured, Row, Target
from tests.faults.world import CHANNEL, World
from tests.journeys.server import SluiceServer

FAMILY = "http"
MANY = 1_000
ATTACK_S = 8.0
HONEST_EVERY_S = 0.02
ANSWERS = 50
"""Of a visitor meanwhile, for a p99 that means something."""
RANGES = 1_000
WAITERS = 200
ASKED = 600


class Honest:
    """Somebody who asks for the channel's state all the time; how long the answers take."""

    def __init__(self) -> None:
        self.times_ms: list[float] = []
        self.refused = 0

    @property
    def p99_ms(self) -> float:
        return statistics.quantiles(self.times_ms, n=100)[-1]


@asynccontextmanager
async def honest(server: SluiceServer) -> AsyncIterator[Honest]:
    """For the length of the block."""
    one = Honest()

    async def ask() -> None:
        url = f"{server.origin}/api/channels/{CHANNEL}/state"
        async with aiohttp.ClientSession() as http:
            while True:
                began = time.perf_counter()
                try:
                    async with asyncio.timeout(10), http.get(url) as answer:
                        await answer.read()
                        one.refused += answer.status != 200
                except (aiohttp.ClientError, TimeoutError):
                    one.refused += 1
                one.times_ms.append(1_000 * (time.perf_counter() - began))
                await asyncio.sleep(HONEST_EVERY_S)

    asking = asyncio.create_task(ask())
    try:
        yield one
    finally:
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking


Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connections(
    server: SluiceServer, count: int, proxy: Proxy | None = None
) -> AsyncIterator[list[Line]]:
    """So many, open and silent; to a proxy in front of the server, if there is one."""
    free = asyncio.Semaphore(50)

    async def one() -> Line:
        async with free:
            if proxy is None:
                return await asyncio.open_connection(server.host, server.port)
            return await asyncio.open_connection("127.0.0.1", proxy.port, ssl=proxy.tls)

    lines = await asyncio.gather(*(one() for _ in range(count)))
    try:
        yield list(lines)
    finally:
        for _, writer in lines:
            writer.transport.abort()


async def _closed(lines: list[Line], within_s: float) -> list[float]:
    """For each connection how long it took until the server closed it; `within_s` if it did not."""
    began = time.monotonic()

    async def one(reader: asyncio.StreamReader) -> float:
        try:
            async with asyncio.timeout(within_s):
                while await reader.read(65_536):
                    pass
        except TimeoutError:
            return within_s
        except OSError:
            pass
        return time.monotonic() - began

    return list(await asyncio.gather(*(one(reader) for reader, _ in lines)))


def slow_headers(world: World, seed: int, through_nginx: bool = False) -> Measured:
    """A thousand connections send their headers letter by letter, as long as they may."""

    async def run() -> Measured:
        dice, server = random.Random(seed), world.server(unlimited=True)
        server.create_channel(CHANNEL)
        proxy = world.enter(nginx(world.folder, server)) if through_nginx else None
        async with honest(server) as visitor, connections(server, MANY, proxy) as lines:
            closing = asyncio.create_task(_closed(lines, 60))
            began = time.monotonic()
            for _, writer in lines:
                writer.write(b"GET /healthz HTTP/1.1\r\nX-Slow: ")
            while time.monotonic() - began < 40 and not closing.done():
                for _, writer in lines:
                    if not writer.transport.is_closing():
                        writer.write(bytes((dice.randint(97, 122),)))
                await asyncio.sleep(1)
            closed = await closing
        return Measured(
            {
                "honest answers, p99": visitor.p99_ms,
                "honest requests refused": visitor.refused,
                "closed by the server after": max(closed),
            }
        )

    return asyncio.run(run())


def slow_body(world: World, seed: int) -> Measured:
    """Two hundred uploads of an offer, letter by letter."""

    async def run() -> Measured:
        dice, server = random.Random(seed), world.server(unlimited=True)
        key = server.create_channel(CHANNEL)
        head = (
            f"POST /whip/{CHANNEL} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
            "Content-Type: application/sdp\r\nContent-Length: 60000\r\n\r\nv=0\r\n"
        ).encode()
        async with honest(server) as visitor, connections(server, MANY // 5) as lines:
            closing = asyncio.create_task(_closed(lines, 60))
            for _, writer in lines:
                writer.write(head)
            while not closing.done():
                for _, writer in lines:
                    if not writer.transport.is_closing():
                        writer.write(bytes((dice.randint(97, 122),)))
                await asyncio.sleep(0.5)
            closed = await closing
        return Measured(
            {
                "honest answers, p99": visitor.p99_ms,
                "honest requests refused": visitor.refused,
                "closed by the server after": max(closed),
            }
        )

    return asyncio.run(run())


def idle(world: World, seed: int) -> Measured:
    """A thousand connections ask once, and then nothing."""

    async def run() -> Measured:
        server = world.server(unlimited=True)
        server.create_channel(CHANNEL)
        async with honest(server) as visitor, connections(server, MANY) as lines:
            for _, writer in lines:
                writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            closed = await _closed(lines, 40)
        return Measured(
            {
                "honest answers, p99": visitor.p99_ms,
                "honest requests refused": visitor.refused,
                "closed by the server after": max(closed),
            }
        )

    del seed
    return asyncio.run(run())


def large(world: World, seed: int, head: bytes, size: int, through_nginx: bool = False) -> Measured:
    """More than anybody needs, as fast as it is taken; four at a time."""

    async def run() -> Measured:
        server = world.server(unlimited=True)
        tree, dice = world.tree(server), random.Random(seed)
        key = server.create_channel(CHANNEL)
        piece = dice.randbytes(1 << 15).hex().encode()
        proxy = world.enter(nginx(world.folder, server)) if through_nginx else None
        await asyncio.sleep(3)
        before = tree.rss
        taken, statuses, most = 0, Counter[int](), before

        async def push(line: Line) -> int:
            reader, writer = line
            writer.write(head.replace(b"KEY", key.encode()))
            sent, answer = 0, b""
            with suppress(OSError):
                while sent < size:
                    writer.write(piece)
                    await writer.drain()
                    sent += len(piece)
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(10):
                    answer = await reader.read(65_536)
            if answer.startswith(b"HTTP/1.1 ") and answer[9:12].isdigit():
                statuses[int(answer[9:12])] += 1
            return sent

        async with honest(server) as visitor, connections(server, 4, proxy) as lines:
            pushing = asyncio.gather(*map(push, lines))
            while not pushing.done():
                most = max(most, tree.rss)
                await asyncio.sleep(0.05)
            taken = max(await pushing)
            await asyncio.sleep(1)
        return Measured(
            {
                "taken of each": taken / (1 << 20),
                "more memory meanwhile": (most - before) / (1 << 20),
                "honest answers, p99": visitor.p99_ms,
            },
            f"answers {dict(statuses)}",
        )

    return asyncio.run(run())


HEADERS = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Large: "
BODY = (
    f"POST /whip/{CHANNEL} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer KEY\r\n"
    "Content-Type: application/sdp\r\nTransfer-Encoding: chunked\r\n\r\n"
).encode() + b"12C00000\r\n"
"""One chunk of 300 MiB."""


def many_ranges(world: World, seed: int) -> Measured:
    """A thousand ranges of one segment."""

    async def run() -> Measured:
        dice, server = random.Random(seed), world.server(unlimited=True)
        world.phone(server)
        server.await_segments(CHANNEL, 2)
        async with aiohttp.ClientSession() as http:
            async with http.get(server.live_url(CHANNEL, "source/index.m3u8")) as answer:
                lines = (await answer.text()).splitlines()
            name = next(line for line in lines if line.endswith(".m4s") and line[0] != "#")
            url = server.live_url(CHANNEL, f"source/{name.rpartition('/')[2]}")
            async with http.get(url) as answer:
                size = len(await answer.read())
            starts = [dice.randrange(size) for _ in range(RANGES)]
            wanted = ",".join(f"{start}-" for start in starts)
            worst = 0
            async with honest(server) as visitor:
                while len(visitor.times_ms) < ANSWERS:
                    async with http.get(url, headers={"Range": f"bytes={wanted}"}) as answer:
                        worst = max(worst, len(await answer.read()))
        return Measured(
            {
                "bytes out, of the segment": worst / size,
                "honest answers, p99": visitor.p99_ms,
            },
            f"status {answer.status}, a segment of {size} bytes",
        )

    return asyncio.run(run())


def waiters(world: World, seed: int) -> Measured:
    """More requests for a part to come than may wait."""

    async def run() -> Measured:
        server = world.server({"bridge": {"waiters": WAITERS}}, unlimited=True)
        world.phone(server)
        server.await_segments(CHANNEL, 2)
        number = (await asyncio.to_thread(sequence, server))[-1] + 2
        ask = (
            f"GET /live/{CHANNEL}/source/index.m3u8?_HLS_msn={number}&_HLS_part=0 HTTP/1.1\r\n"
            "Host: x\r\n\r\n"
        ).encode()
        statuses, most = Counter[int](), 0.0
        async with honest(server) as visitor, connections(server, ASKED) as lines:

            async def wait(line: Line) -> None:
                seen = b""
                line[1].write(ask)
                with suppress(OSError):
                    while (status := whole(seen)) is None and (more := await line[0].read(65_536)):
                        seen += more
                    statuses[status or 0] += 1

            waiting = asyncio.gather(*map(wait, lines))
            while not waiting.done():
                most = max(most, await asyncio.to_thread(server.metric, "sluice_live_held"))
                await asyncio.sleep(0.05)
            await waiting
        return Measured(
            {
                "waiting at once": most,
                "neither 200 nor 503": sum(statuses.values()) - statuses[200] - statuses[503],
                "honest answers, p99": visitor.p99_ms,
            },
            str(dict(statuses)),
        )

    del seed
    return asyncio.run(run())


def _row(
    name: str,
    limit_s: float,
    run: Callable[[World, int], Measured],
    needs: tuple[str, ...] = (),
    cores: float = LIGHT,
) -> Row:
    targets = (P99, REFUSED, Target("closed by the server after", limit_s, "s"))
    return Row(name, FAMILY, targets, run, needs, cores=cores)


P99 = Target("honest answers, p99", 100, "ms")
REFUSED = Target("honest requests refused", 0)
ROWS: tuple[Row, ...] = (
    _row("slow headers, 1,000 connections", 20, slow_headers),
    _row("slow bodies", 12, slow_body),
    _row("idle connections, 1,000", 17, idle),
    Row(
        "8 MiB of headers",
        FAMILY,
        (Target("taken of each", 4, "MiB"), Target("more memory meanwhile", 32, "MiB"), P99),
        partial(large, head=HEADERS, size=8 << 20),
    ),
    Row(
        "300 MB of body",
        FAMILY,
        (Target("taken of each", 8, "MiB"), Target("more memory meanwhile", 32, "MiB"), P99),
        partial(large, head=BODY, size=300 << 20),
    ),
    # nginx closes all 1,000 at the same moment.
    _row("slow headers, through nginx", 7, partial(slow_headers, through_nginx=True), PROXY, WHOLE),
    Row(
        "8 MiB of headers, through nginx",
        FAMILY,
        # It goes on to read for a while, so that its answer is seen, and keeps nothing of it.
        (Target("taken of each", 8, "MiB"), Target("more memory meanwhile", 8, "MiB"), P99),
        partial(large, head=HEADERS, size=8 << 20, through_nginx=True),
        PROXY,
    ),
    Row("1,000 ranges", FAMILY, (Target("bytes out, of the segment", 1.05), P99), many_ranges),
    Row(
        "blocking reloads",
        FAMILY,
        (Target("waiting at once", WAITERS), Target("neither 200 nor 503", 0), P99),
        waiters,
        cores=WHOLE,
    ),
)
