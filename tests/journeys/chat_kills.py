"""Kills of chance around a room with a crowd in it: the server, Redis, and connections.

    python -m tests.journeys.chat_kills --kills 200 --log redis

Afterwards every client must have heard a part of the one log, with every hole declared, and every
acknowledged message must be in it exactly once. The seed is printed; it repeats the plan of the
kills, not their timing to the millisecond.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

from rich.console import Console
from rich.progress import Progress

from mobile_sim.crowd import CrowdReport, CrowdSettings, Transport, crowd
from tests.journeys.phone import Phone
from tests.journeys.server import Section, SluiceServer, free_ports
from tests.journeys.waiting import until

CHANNEL = "live"
BACK_S = 90.0
"""Everybody must be there again within that."""
PAGE = 500
FAR_MS = 2**52


class Redis:
    """One that keeps what it acknowledged, on one port, however often it dies."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        self.port = free_ports(1)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--dir", str(self._folder), "--save", "", "--maxmemory-policy", "noeviction"]
        command += ["--appendonly", "yes", "--appendfsync", "always"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        ping = ["redis-cli", "-p", str(self.port), "ping"]
        until("redis answers", lambda: b"PONG" in _said(ping), 20)

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


def _said(command: list[str]) -> bytes:
    return subprocess.run(command, capture_output=True, check=False).stdout


class Cutter:
    """Stands between the crowd and the server, and cuts connections in the middle."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def __aenter__(self) -> Cutter:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error: object) -> None:
        self._server.close()
        for writer in list(self._open):
            writer.transport.abort()

    def cut(self, rng: random.Random) -> bool:
        """One of them, at random; False where there is none."""
        if not self._open:
            return False
        rng.choice(sorted(self._open, key=id)).transport.abort()
        return True

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.transport.abort()
            return
        self._open.add(writer)
        pumps = [asyncio.create_task(_pump(*pair)) for pair in ((reader, back), (there, writer))]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
        self._open.discard(writer)
        for one in (writer, back):
            one.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()


@dataclass
class Outcome:
    """What is left when the crowd has gone."""

    kills: Counter[str]
    report: CrowdReport
    acked: int
    logged: int
    missing: list[str] = field(default_factory=list)
    """Acknowledged, and not in the log."""
    twice: list[str] = field(default_factory=list)

    @property
    def right(self) -> bool:
        clean = not self.missing and not self.twice
        return clean and (self.report.holes, self.report.repeats) == (0, 0)


@contextmanager
def town(folder: Path, kept: str) -> Iterator[tuple[SluiceServer, Redis | None]]:
    """A server with a channel that is live, and the Redis behind it."""
    chat: dict[str, object] = {
        "guests": "write",
        "log": kept,
        "frames_per_network": 100_000,
        "connections_per_network": 1_000,
        "messages_per_30_s": 10_000,
        "display_rate": 0,
    }
    with ExitStack() as stack:
        redis = None
        if kept == "redis":
            redis = Redis(folder / "redis")
            redis.start()
            stack.callback(redis.kill)
            chat["redis"] = {"urls": [f"redis://127.0.0.1:{redis.port}/0"]}
        limits = {"ip_rate": 10_000.0, "ip_burst": 100_000}
        settings: dict[str, Section] = {"chat": chat, "limits": limits}
        server = SluiceServer(folder / "server", workers=1, settings=settings)
        server.start()
        stack.callback(server.stop)
        stack.enter_context(
            Phone(server, CHANNEL, server.create_channel(CHANNEL), "vp8", "320x180")
        )
        server.await_live(CHANNEL)
        yield server, redis


async def run(
    folder: Path, kept: str, people: int, kills: int, rng: random.Random, console: Console
) -> Outcome:
    """All of it. Raises TimeoutError where the crowd does not come back."""
    done: Counter[str] = Counter()
    acked: set[str] = set()
    stop = asyncio.Event()
    with town(folder, kept) as (server, redis), Progress(console=console) as progress:
        port = int(server.origin.rpartition(":")[2])
        async with Cutter(port) as cutter:
            url = f"http://127.0.0.1:{cutter.port}/watch/{CHANNEL}"
            settings = CrowdSettings(url, people, 40.0, Transport.BOTH)
            talking = asyncio.create_task(
                crowd(settings, stop, lambda report: None, rng=rng, on_ack=acked.add)
            )
            try:
                await _all_there(server, people)
                task = progress.add_task("kills", total=kills)
                for _ in range(kills):
                    kind = rng.choices(["connection", "peer", "server", "redis"], [10, 5, 3, 2])[0]
                    await asyncio.sleep(rng.random())
                    await _strike(kind, server, redis, cutter, rng, done)
                    if kind in ("server", "redis"):
                        await _all_there(server, people)
                    progress.advance(task)
                await _all_there(server, people)
                await asyncio.sleep(2)
            finally:
                stop.set()
                report = await talking
        counts = Counter(await asyncio.to_thread(logged, server))
    missing = sorted(acked - counts.keys())
    twice = sorted(one for one, count in counts.items() if count > 1)
    return Outcome(done, report, len(acked), sum(counts.values()), missing, twice)


async def _strike(
    kind: str,
    server: SluiceServer,
    redis: Redis | None,
    cutter: Cutter,
    rng: random.Random,
    done: Counter[str],
) -> None:
    if kind == "redis" and redis is not None:
        await asyncio.to_thread(redis.kill)
        await asyncio.to_thread(redis.start)
    elif kind in ("redis", "connection"):
        kind = "connection"
        cutter.cut(rng)
    elif kind == "peer":
        peers = await asyncio.to_thread(server.peers, CHANNEL, "viewer")
        await asyncio.to_thread(server.kick, rng.choice(peers)["id"])
    else:
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
    done[kind] += 1


async def _all_there(server: SluiceServer, people: int) -> None:
    """As the server counts: some people notice late that they are cut off."""

    def there() -> bool:
        return server.metric("sluice_chat_people") >= people

    await asyncio.to_thread(until, "everybody is there", there, BACK_S)


def logged(server: SluiceServer) -> list[str]:
    """The ids of all messages in the log, as their senders chose them."""
    found: list[str] = []
    after: int | None = 0
    while after is not None:
        query = f"since=0&until={FAR_MS}&after={after}&limit={PAGE}"
        path = f"{server.origin}/api/channels/{CHANNEL}/chat/history?{query}"
        with urlopen(path, timeout=30) as answer:
            page = json.load(answer)
        found += [item["id"] for item in page["items"] if item["kind"] == "message"]
        after = page["next"]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--log", choices=["sqlite", "redis"], default="redis")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    arguments = parser.parse_args()
    console = Console(stderr=True)
    console.print(f"seed {arguments.seed}")
    rng = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        outcome = asyncio.run(
            run(Path(folder), arguments.log, arguments.people, arguments.kills, rng, console)
        )
    print(f"seed {arguments.seed}, log {arguments.log}: kills {dict(outcome.kills)}")
    print(f"acknowledged {outcome.acked}, in the log {outcome.logged}")
    print(f"missing {len(outcome.missing)}, twice {len(outcome.twice)}; {outcome.report}")
    if not outcome.right:
        raise SystemExit("WRONG")


if __name__ == "__main__":
    main()
