"""`make bench-chat`: what a room costs that thousands read and thousands of messages run through.

The load runs in a process of its own, on another core where there is one; the server's CPU time
is that of its process alone. The same load is put on a plain Starlette room. With `--url` and
`--pid` any other server is measured instead. Prints a table and, as its last line, one JSON
object; with `--store` both go into docs/benchmarks.md too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http.client import HTTPConnection
from pathlib import Path

import aiohttp
import msgspec
from rich.console import Console
from rich.table import Table

from signaling.process_meter import ProcessMeter, Usage
from tests.bench import rig
from tests.bench.chat_load import Measured, Plan
from tests.bench.machine import Watch
from tests.bench.page import BENCHMARKS, store
from tests.journeys.server import SluiceServer, free_ports
from tests.journeys.waiting import until

CHANNEL = "live"
SAY = '{"op":"say","id":"{id}","text":"{text}"}'
GOAL_DELIVERIES = 4_000_000
GOAL_P99_MS = 150.0
GOAL_INGEST = 5_000
GOAL_KB = 30.0
UNLIMITED: Mapping[str, Mapping[str, object]] = {
    **rig.UNLIMITED,
    "chat": {
        "guests": "write",
        "display_rate": 0,
        "connections_per_network": 100_000,
        "messages_per_30_s": 1_000_000,
        "frames_per_network": 10**9,
        "messages_per_room": 10**6,
    },
}
ASKED_AT_ONCE = 32
SAMPLE = 50
"""Messages a second that everybody gets while ingest is measured."""


@dataclass(frozen=True, slots=True)
class Run:
    """One load on one server."""

    load: Measured
    server_cpu_s: float
    kb_per_connection: float

    @property
    def deliveries_per_cpu_s(self) -> int:
        return round(self.load.delivered / max(self.server_cpu_s, 1e-9))


@dataclass(frozen=True, slots=True)
class ChatFigures:
    """The field names are the keys of the JSON object. None: not measured."""

    deliveries_per_cpu_s: int
    delivered_per_s: int
    server_cores: float
    delivery_ms_p50: float
    delivery_ms_p99: float
    ingest_per_s: int | None
    ingest_cores: float | None
    kb_per_connection: float
    starlette_deliveries_per_cpu_s: int | None
    starlette_batched_deliveries_per_cpu_s: int | None
    clients: int
    messages_per_s: int
    gaps: int
    doubts: list[str]


def measure(
    url: str, pid: int, hellos: Sequence[str], rate: float, window_s: float, speakers: int
) -> Run:
    """Raises RuntimeError when the load could not be put on."""
    meter = ProcessMeter(pid)
    empty = meter.read()
    plan = Plan(list(hellos), SAY, rate, 3.0, window_s, speakers)
    command = [sys.executable, "-m", "tests.bench.chat_load", url]
    load = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    pin(load.pid, pid)
    assert load.stdin is not None
    assert load.stdout is not None
    try:
        load.stdin.write(msgspec.json.encode(plan) + b"\n")
        load.stdin.flush()
        told(load.stdout.readline())
        full = settled(meter)
        load.stdin.write(b"go\n")
        load.stdin.flush()
        told(load.stdout.readline())
        before = meter.read()
        told(load.stdout.readline())
        after = meter.read()
        found = msgspec.json.decode(told(load.stdout.readline()), type=Measured)
    finally:
        load.kill()
        load.wait()
    kb = (full.rss_kb - empty.rss_kb) / max(1, len(hellos))
    return Run(found, after.cpu_s - before.cpu_s, round(kb, 1))


def settled(meter: ProcessMeter) -> Usage:
    """Once the server has done with those who came: half a second without work."""
    usage = meter.read()
    while True:
        time.sleep(0.5)
        now = meter.read()
        if now.cpu_s - usage.cpu_s < 0.05:
            return now
        usage = now


def pin(load: int, server: int) -> None:
    """Each on a core of its own: neither shall take what is counted as the other's."""
    if (os.cpu_count() or 1) >= 2:
        os.sched_setaffinity(server, {0})
        for thread in Path(f"/proc/{server}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {0})
        os.sched_setaffinity(load, {1})


def told(line: bytes) -> bytes:
    if not line:
        raise RuntimeError("the load ended early; its error is above")
    return line


async def hellos(origin: str, channel: str, count: int) -> list[str]:
    """Guests with tickets, from a Sluice."""
    base = f"{origin}/api/channels/{channel}/chat"
    gate = asyncio.Semaphore(ASKED_AT_ONCE)

    async def one(http: aiohttp.ClientSession, number: int) -> str:
        async with gate:
            async with http.post(f"{base}/guest", json={"name": f"guest {number}"}) as answer:
                answer.raise_for_status()
                user = (await answer.json())["user"]
            async with http.post(f"{base}/ticket", json={"user": user}) as answer:
                answer.raise_for_status()
                ticket = (await answer.json())["ticket"]
        return json.dumps({"op": "hello", "v": 1, "ticket": ticket})

    async with aiohttp.ClientSession() as http:
        return list(await asyncio.gather(*(one(http, number) for number in range(count))))


@contextmanager
def plain(batch_ms: int) -> Iterator[tuple[str, int]]:
    """Address and process number of a plain Starlette room."""
    port = free_ports(1)
    command = [sys.executable, "-m", "tests.bench.chat_plain", str(port), str(batch_ms)]
    process = subprocess.Popen(command)
    try:
        until("the plain room answers", lambda: answers(port), 20)
        yield f"ws://127.0.0.1:{port}/chat/live", process.pid
    finally:
        process.kill()
        process.wait()


def answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status > 0
    except OSError:
        return False
    finally:
        connection.close()


def measure_all(clients: int, rate: int, window_s: float, console: Console) -> ChatFigures:
    console.print(f"{clients:,} clients, {rate:,} messages/s")
    room, doubts = measure_room(UNLIMITED, clients, rate, window_s)
    console.print("Ingest")
    # Everybody gets a sample, or this would measure what 5,000 a second cost to send.
    sampled = {**UNLIMITED, "chat": {**UNLIMITED["chat"], "display_rate": SAMPLE}}
    ingest, more = measure_room(sampled, 1_000, round(GOAL_INGEST * 1.02), window_s)
    console.print("Plain Starlette")
    nobody = [""] * clients
    with plain(0) as (where, pid):
        # More would only wait in its queues: it sends each message to each client.
        starlette = measure(where, pid, nobody, 15, window_s, clients)
    with plain(100) as (where, pid):
        batched = measure(where, pid, nobody, rate, window_s, clients)
    return ChatFigures(
        deliveries_per_cpu_s=room.deliveries_per_cpu_s,
        delivered_per_s=round(room.load.delivered / room.load.seconds),
        server_cores=round(room.server_cpu_s / room.load.seconds, 2),
        delivery_ms_p50=room.load.delay_ms_p50,
        delivery_ms_p99=room.load.delay_ms_p99,
        ingest_per_s=round(ingest.load.acked / ingest.load.seconds),
        ingest_cores=round(ingest.server_cpu_s / ingest.load.seconds, 2),
        kb_per_connection=room.kb_per_connection,
        starlette_deliveries_per_cpu_s=starlette.deliveries_per_cpu_s,
        starlette_batched_deliveries_per_cpu_s=batched.deliveries_per_cpu_s,
        clients=clients,
        messages_per_s=rate,
        gaps=room.load.gaps,
        doubts=doubts + more,
    )


def measure_room(
    settings: Mapping[str, Mapping[str, object]], clients: int, rate: float, window_s: float
) -> tuple[Run, list[str]]:
    """Of a server of its own, and what makes one doubt it."""
    with (
        tempfile.TemporaryDirectory() as folder,
        SluiceServer(Path(folder), workers=1, settings=settings) as server,
    ):
        server.create_channel(CHANNEL)
        watch = Watch(ProcessMeter(server.pid))
        crowd = asyncio.run(hellos(server.origin, CHANNEL, clients))
        url = f"ws://127.0.0.1:{server.port}/chat/{CHANNEL}"
        run = measure(url, server.pid, crowd, rate, window_s, clients)
        return run, watch.doubts()


def measure_other(url: str, pid: int, clients: int, rate: int, window_s: float) -> ChatFigures:
    """A server that sends each frame with a message on to everybody, without a hello."""
    watch = Watch(ProcessMeter(pid))
    run = measure(url, pid, [""] * clients, rate, window_s, clients)
    return ChatFigures(
        deliveries_per_cpu_s=run.deliveries_per_cpu_s,
        delivered_per_s=round(run.load.delivered / run.load.seconds),
        server_cores=round(run.server_cpu_s / run.load.seconds, 2),
        delivery_ms_p50=run.load.delay_ms_p50,
        delivery_ms_p99=run.load.delay_ms_p99,
        ingest_per_s=None,
        ingest_cores=None,
        kb_per_connection=run.kb_per_connection,
        starlette_deliveries_per_cpu_s=None,
        starlette_batched_deliveries_per_cpu_s=None,
        clients=clients,
        messages_per_s=rate,
        gaps=run.load.gaps,
        doubts=watch.doubts(),
    )


def table(figures: ChatFigures) -> list[tuple[str, str, str]]:
    """Rows: what, figure, goal."""

    def number(value: int | None) -> str:
        return "not measured" if value is None else f"{value:,}"

    load = f"{figures.clients:,} clients, {figures.messages_per_s:,} messages/s"
    p99 = f"p50 {figures.delivery_ms_p50:g} ms, p99 {figures.delivery_ms_p99:g} ms"
    used = f"{figures.delivered_per_s:,} on {figures.server_cores} cores"
    return [
        (f"{load}: deliveries a CPU second", number(figures.deliveries_per_cpu_s),
         f"{GOAL_DELIVERIES:,}"),
        (f"{load}: deliveries a second", used, ""),
        (f"{load}: from sent to read", p99, f"p99 at most {GOAL_P99_MS:g} ms"),
        ("ingest, 1,000 clients: messages a second", number(figures.ingest_per_s),
         f"{GOAL_INGEST:,}"),
        ("memory of a connection", f"{figures.kb_per_connection:g} kB", f"{GOAL_KB:g} kB"),
        ("plain Starlette: deliveries a CPU second",
         number(figures.starlette_deliveries_per_cpu_s), ""),
        ("Starlette with batches of 100 ms, without names, rules and a log",
         number(figures.starlette_batched_deliveries_per_cpu_s), ""),
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=2_000)
    parser.add_argument("--rate", type=int, default=2_000, help="messages a second")
    parser.add_argument("--window", type=float, default=15.0, help="seconds of each run")
    parser.add_argument("--url", help="another server's WebSocket; needs --pid")
    parser.add_argument("--pid", type=int, help="its process")
    parser.add_argument("--store", action="store_true", help=f"write into {BENCHMARKS}")
    arguments = parser.parse_args()
    console = Console(stderr=True)
    if arguments.url:
        figures = measure_other(
            arguments.url, arguments.pid, arguments.clients, arguments.rate, arguments.window
        )
    else:
        figures = measure_all(arguments.clients, arguments.rate, arguments.window, console)
    rows = table(figures)
    shown = Table("what", "measured", "goal", title="A room")
    for row in rows:
        shown.add_row(*row)
    Console().print(shown)
    for doubt in figures.doubts:
        console.print(f"[yellow]doubt:[/yellow] {doubt}")
    line = json.dumps(asdict(figures))
    if arguments.store:
        text = "one room in SQLite, messages of some 40 characters, load on another core."
        about = rig.about(text, "make bench-chat")
        store("chat", about, ("what", "measured", "goal"), rows, line)
    print(line)


if __name__ == "__main__":
    main()
