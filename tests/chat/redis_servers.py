"""Real Redis servers for tests: alone, with a replica behind a line that can be cut, as a Cluster.

They keep nothing on the disk. Whoever starts one stops it; all are on free ports of loopback.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path

from redis.asyncio import Connection, ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

READY = "Ready to accept connections"
SYNCED = "sync: Finished with success"
PATIENCE_S = 30.0


HIGHEST = 55_535
"""A Cluster's nodes talk to each other on a port 10,000 higher."""


def free_port() -> int:
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port <= HIGHEST:
            return port


class RedisServer:
    """One process. What it says tells when it is ready, so that nothing has to be tried again."""

    def __init__(self, *options: str, file: Path | None = None) -> None:
        """`file`: it is a sentinel, and this is its settings."""
        self.port = free_port()
        self._folder = tempfile.TemporaryDirectory(prefix="sluice-redis-")
        self._said: list[str] = []
        self._heard = threading.Condition()
        server = ["--save", "", "--appendonly", "no", *options]
        self.process = subprocess.Popen(
            [
                "redis-server", *([] if file is None else [str(file), "--sentinel"]),
                "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self._folder.name,
                *(server if file is None else options),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def says(self, text: str) -> None:
        """Wait until it has said that. Raises TimeoutError."""
        with self._heard:
            if not self._heard.wait_for(
                lambda: any(text in line for line in self._said), PATIENCE_S
            ):
                raise TimeoutError(f"redis-server did not say {text!r}: {self._said[-5:]}")

    def kill(self) -> None:
        """As a power cut ends it."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait()
        self._listener.join()
        if self.process.stdout is not None:
            self.process.stdout.close()
        with suppress(OSError):
            self._folder.cleanup()

    def _listen(self) -> None:
        if self.process.stdout is None:
            raise AssertionError("its words are piped")
        for line in self.process.stdout:
            with self._heard:
                self._said.append(line.rstrip())
                self._heard.notify_all()


@contextmanager
def redis_server(*options: str) -> Iterator[RedisServer]:
    """One that is ready."""
    server = RedisServer(*options)
    try:
        server.says(READY)
        yield server
    finally:
        server.stop()


@contextmanager
def redis_cluster() -> Iterator[RedisServer]:
    """A Cluster of one node: it refuses what keys of two slots are in, as a large one does."""
    with redis_server("--cluster-enabled", "yes", "--cluster-require-full-coverage", "no") as node:
        subprocess.run(
            ["redis-cli", "-p", str(node.port), "cluster", "addslotsrange", "0", "16383"],
            check=True,
            capture_output=True,
        )
        node.says("Cluster state changed: ok")
        yield node


class Line:
    """What a replica reaches its primary by. It can be cut: then nothing passes any more."""

    def __init__(self, to_port: int) -> None:
        self.port = 0
        self._to_port = to_port
        self._pipes: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._joined, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """From now on nothing arrives, and nobody is told."""
        for pipe in self._pipes:
            pipe.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)

    async def close(self) -> None:
        await self.cut()
        for writer in self._writers:
            writer.close()
        if self._server is not None:
            self._server.close()

    async def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._to_port)
        self._writers |= {writer, far_writer}
        for source, target in ((reader, far_writer), (far_reader, writer)):
            self._pipes.add(asyncio.create_task(self._pass(source, target)))

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65_536):
                target.write(data)
                await target.drain()


class Pair:
    """A primary and its replica; clients find the one that is primary when they connect."""

    def __init__(
        self, primary: RedisServer, replica: RedisServer, line: Line, servers: list[RedisServer]
    ) -> None:
        self.primary = primary
        self.replica = replica
        self.line = line
        self._servers = servers
        """All that are to be stopped at the end."""
        self.address = primary.port
        """Where new connections lead to, as Sentinel or a name would tell."""

    def client(self) -> Redis:
        pair = self

        class ToPrimary(Connection):
            async def connect(self) -> None:
                if not self.is_connected:
                    self.port = pair.address
                await super().connect()  # type: ignore[no-untyped-call]

        pool = ConnectionPool(
            connection_class=ToPrimary, host="127.0.0.1", port=self.address, protocol=2,
            retry=Retry(NoBackoff(), 0), socket_timeout=2.0, socket_connect_timeout=2.0,
        )  # fmt: skip
        return Redis.from_pool(pool)

    async def in_step(self) -> None:
        """Until the replica has everything; a new one is sent nothing for its first second."""
        async with Redis(port=self.address) as direct:
            await direct.set("mark", 1)
            if await direct.wait(1, 10_000) < 1:
                raise TimeoutError("the replica does not follow")

    async def promote(self, *, kill: bool = True) -> None:
        """The replica is primary from now on; the old one dies, or lives on unknowing."""
        if kill:
            await asyncio.to_thread(self.primary.kill)
        async with Redis(port=self.replica.port) as direct:
            await direct.execute_command("REPLICAOF", "NO", "ONE")  # type: ignore[no-untyped-call]
        self.address = self.replica.port

    async def give_replica(self) -> None:
        """The promoted one gets a replica of its own, and that one everything."""
        one = RedisServer(
            "--replicaof", f"127.0.0.1 {self.address}", "--repl-diskless-sync-delay", "0"
        )
        self._servers.append(one)
        await asyncio.to_thread(one.says, SYNCED)

    async def follow_on(self) -> None:
        """The promoted one and a new replica, behind a new line, are the pair from now on."""
        await self.line.close()
        self.line = Line(self.address)
        await self.line.open()
        one = RedisServer(
            "--replicaof", f"127.0.0.1 {self.line.port}", "--repl-diskless-sync-delay", "0"
        )
        self._servers.append(one)
        await asyncio.to_thread(one.says, SYNCED)
        await self.in_step()
        await asyncio.to_thread(self.primary.stop)
        self.primary, self.replica = self.replica, one

    async def drop_connections(self) -> None:
        """All clients' connections to the primary break."""
        async with Redis(port=self.primary.port) as direct:
            await direct.execute_command(  # type: ignore[no-untyped-call]
                "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"
            )


@asynccontextmanager
async def redis_pair() -> AsyncIterator[Pair]:
    """A primary and a replica that has everything so far."""
    primary = RedisServer("--repl-diskless-sync-delay", "0")
    line = Line(primary.port)
    servers = [primary]
    try:
        await asyncio.to_thread(primary.says, READY)
        await line.open()
        replica = RedisServer(
            "--replicaof", f"127.0.0.1 {line.port}", "--repl-diskless-sync-delay", "0"
        )
        servers.append(replica)
        await asyncio.to_thread(replica.says, SYNCED)
        pair = Pair(primary, replica, line, servers)
        yield pair
        await pair.line.close()
    finally:
        await line.close()
        for server in servers:
            await asyncio.to_thread(server.stop)


@asynccontextmanager
async def redis_with_sentinel() -> AsyncIterator[tuple[RedisServer, RedisServer, RedisServer]]:
    """A sentinel that knows of `rooms`, its primary, and the replica that it will promote."""
    with ExitStack() as stack:
        primary = stack.enter_context(redis_server("--repl-diskless-sync-delay", "0"))
        replica = stack.enter_context(redis_server("--replicaof", f"127.0.0.1 {primary.port}"))
        await asyncio.to_thread(replica.says, SYNCED)
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="sluice-sentinel-"))
        settings = Path(folder) / "sentinel.conf"
        settings.write_text(
            f"sentinel monitor rooms 127.0.0.1 {primary.port} 1\n"
            "sentinel down-after-milliseconds rooms 300\n"
            "sentinel failover-timeout rooms 3000\n"
        )
        sentinel = RedisServer(file=settings)
        stack.callback(sentinel.stop)
        await asyncio.to_thread(sentinel.says, f"+slave slave 127.0.0.1:{replica.port}")
        yield sentinel, primary, replica
