"""`make bench-origin`: what a viewer of HLS costs the origin and an edge, and how late a reload is.

Requests per CPU second are those of `wrk` by the CPU time of the server's processes alone. For
the delay, 1,000 connections wait for the same part: directly at the origin, at the own edge, and
at nginx with Varnish. Prints a table and, as its last line, one JSON object; with `--store` both
go into docs/benchmarks.md too.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http.client import HTTPConnection
from pathlib import Path
from statistics import quantiles

import uvloop
from rich.console import Console
from rich.table import Table

from bridge.address import part_name
from signaling.process_meter import ProcessGone, ProcessMeter
from tests.bench import rig
from tests.bench.machine import Watch
from tests.bench.origin_server import BenchServer
from tests.bench.page import BENCHMARKS, store
from tests.bench.waiters import answered, connected
from tests.bridge.windows import EPOCH
from tests.journeys.edge_pair import EdgePair, installed
from tests.journeys.server import free_ports
from tests.journeys.waiting import until

WRK = "apt install wrk"
LIST = "/live/bench/source/index.m3u8"
UNLIMITED = 30_000
"""Requests a second of one address, at nginx: here all come from one."""
GOAL_MS = 110.0
SETTLE_S = 0.3
"""After all have asked: until the last question has come as far as it goes."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Requests per CPU second."""

    playlist: int
    part: int


@dataclass(frozen=True, slots=True)
class Release:
    """Milliseconds from the moment a part was made until a waiter had its whole answer."""

    p50: float
    p99: float
    fills: int
    """Most questions that one reload cost the origin."""


@dataclass(frozen=True, slots=True)
class OriginFigures:
    """The field names are the keys of the JSON object. None: not measured."""

    playlist_per_cpu_s: int
    part_per_cpu_s: int
    playlist_bytes: int
    origin_fills: int
    """For one reload of all waiters, through the own edge."""
    release_ms_p50_direct: float
    release_ms_p99_direct: float
    release_ms_p50_edge: float
    release_ms_p99_edge: float
    edge_playlist_per_cpu_s: int
    edge_part_per_cpu_s: int
    varnish_fills: int | None
    release_ms_p50_varnish: float | None
    release_ms_p99_varnish: float | None
    varnish_playlist_per_cpu_s: int | None
    varnish_part_per_cpu_s: int | None
    """nginx with TLS and Varnish together."""
    waiters: int
    doubts: list[str]


async def measure(waiters: int, rounds: int, window_s: float, console: Console) -> OriginFigures:
    if shutil.which("wrk") is None:
        raise SystemExit(f"wrk is missing: {WRK}")
    with BenchServer() as origin, tempfile.TemporaryDirectory() as folder:
        watch = Watch(ProcessMeter(origin.pid))
        url = f"http://{origin.address}"
        console.print("The origin itself")
        direct = rates(url, [origin.pid], origin, window_s)
        held = await released(origin, origin.port, waiters, rounds, at=lambda: origin.held)
        with own_edge(origin) as (port, pid):
            console.print("The own edge")
            edge = rates(f"http://127.0.0.1:{port}", [pid], origin, window_s)
            shared = await released(origin, port, waiters, rounds, at=lambda: waiting(port))
        pair, cached = None, None
        if installed():
            console.print("nginx and Varnish")
            with EdgePair(Path(folder) / "edge", origin.address, address_rate=UNLIMITED) as both:
                pair = rates(both.url, processes(both.pids), origin, window_s)
                port = int(both.plan.listen.rpartition(":")[2])
                cached = await released(origin, port, waiters, rounds, tls=both.tls)
        return OriginFigures(
            playlist_per_cpu_s=direct.playlist,
            part_per_cpu_s=direct.part,
            playlist_bytes=size(origin),
            origin_fills=shared.fills,
            release_ms_p50_direct=held.p50,
            release_ms_p99_direct=held.p99,
            release_ms_p50_edge=shared.p50,
            release_ms_p99_edge=shared.p99,
            edge_playlist_per_cpu_s=edge.playlist,
            edge_part_per_cpu_s=edge.part,
            varnish_fills=cached.fills if cached else None,
            release_ms_p50_varnish=cached.p50 if cached else None,
            release_ms_p99_varnish=cached.p99 if cached else None,
            varnish_playlist_per_cpu_s=pair.playlist if pair else None,
            varnish_part_per_cpu_s=pair.part if pair else None,
            waiters=waiters,
            doubts=watch.doubts(),
        )


def rates(url: str, pids: list[int], origin: BenchServer, window_s: float) -> Rates:
    """Of one playlist and of one part, from somebody who asks for nothing else."""
    msn, _ = origin.edge
    part = f"/live/bench/source/{part_name(EPOCH, msn - 2, 1)}"
    return Rates(*(rate(url + target, pids, window_s) for target in (LIST, part)))


def rate(url: str, pids: list[int], window_s: float) -> int:
    """Requests per CPU second of these processes. Raises RuntimeError when one failed."""
    meters = [ProcessMeter(pid) for pid in pids]
    before = cpu_s(meters)
    command = ["wrk", "-t1", "-c64", f"-d{window_s:g}s", "-H", "Accept-Encoding: gzip", url]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return round(requests(said) / (cpu_s(meters) - before))


def requests(said: str) -> int:
    """How many requests wrk made. Raises RuntimeError when one of them failed."""
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    made = re.search(r"(\d+) requests in", said)
    if made is None or failed is not None:
        raise RuntimeError(f"wrk had no clean run:\n{said}")
    return int(made[1])


async def released(
    origin: BenchServer,
    port: int,
    count: int,
    rounds: int,
    tls: ssl.SSLContext | None = None,
    at: Callable[[], int] | None = None,
) -> Release:
    """All wait for the next part, which is then made; over some rounds. `at` says how many
    questions have come as far as they go."""
    waiters = await connected(count, port, LIST, tls)
    delays: list[float] = []
    fills = 0
    for _ in range(rounds):
        msn, part = await asyncio.to_thread(lambda: origin.edge)
        target = f"{LIST}?_HLS_msn={msn}&_HLS_part={part}"
        for waiter in waiters:
            waiter.ask(target)
        if at is not None:
            await asyncio.to_thread(until, "all wait", lambda: at() >= count, 20)
        await asyncio.sleep(SETTLE_S)
        began_ns = await asyncio.to_thread(origin.release)
        delays += [(got - began_ns) / 1e6 for got in await answered(waiters, 20)]
        asked = await asyncio.to_thread(lambda: origin.asked)
        fills = max(fills, asked[target])
    for waiter in waiters:
        waiter.close()
    cuts = quantiles(delays, n=100, method="inclusive")
    return Release(round(cuts[49], 1), round(cuts[98], 1), fills)


@contextmanager
def own_edge(origin: BenchServer) -> Iterator[tuple[int, int]]:
    """Port and process number of an edge as `sluice edge` runs it."""
    port = free_ports(1)
    program = "import typer; from signaling.edge_cli import edge_command as run; typer.run(run)"
    options = ["--origin", f"http://{origin.address}", "--port", str(port)]
    process = subprocess.Popen([sys.executable, "-c", program, *options], stdout=subprocess.DEVNULL)
    try:
        until("the edge answers", lambda: fetched(port, "/healthz"), 20)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(10)


def waiting(port: int) -> int:
    """How many requests wait at an edge."""
    found = re.search(r"^sluice_edge_waiters ([0-9.]+)$", fetched(port, "/metrics"), re.MULTILINE)
    return round(float(found[1])) if found is not None else 0


def fetched(port: int, path: str) -> str:
    """The text at a path; empty when nobody listens."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    except OSError:
        return ""
    finally:
        connection.close()


def size(origin: BenchServer) -> int:
    """Bytes of the playlist, compressed."""
    connection = HTTPConnection("127.0.0.1", origin.port, timeout=10)
    try:
        connection.request("GET", LIST, headers={"Accept-Encoding": "gzip"})
        return len(connection.getresponse().read())
    finally:
        connection.close()


def processes(pids: list[int]) -> list[int]:
    """These and all their children, of which nginx and Varnish have some."""
    found = []
    for pid in pids:
        found.append(pid)
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        found += processes([int(child) for child in children])
    return found


def cpu_s(meters: list[ProcessMeter]) -> float:
    total = 0.0
    for meter in meters:
        try:
            total += meter.read().cpu_s
        except ProcessGone as gone:
            raise RuntimeError("a server ended while it was measured") from gone
    return total


def table(figures: OriginFigures) -> list[tuple[str, str, str]]:
    """Rows: what, figure, goal."""
    late = f"reload, {figures.waiters:,} waiters"
    goal = f"p99 at most {GOAL_MS:g} ms"

    def delay(p50: float | None, p99: float | None) -> str:
        return "not measured" if p99 is None else f"p50 {p50} ms, p99 {p99} ms"

    def each(playlist: int | None, part: int | None) -> str:
        return "not measured" if part is None else f"{playlist:,} / {part:,}"

    what = "requests a CPU second, playlist / part of 40 kB"
    return [
        (f"origin: {what}", each(figures.playlist_per_cpu_s, figures.part_per_cpu_s), ""),
        (
            f"own edge: {what}",
            each(figures.edge_playlist_per_cpu_s, figures.edge_part_per_cpu_s),
            "",
        ),
        (
            f"nginx with TLS and Varnish: {what}",
            each(figures.varnish_playlist_per_cpu_s, figures.varnish_part_per_cpu_s),
            "",
        ),
        ("the playlist, ten minutes long, gzip", f"{figures.playlist_bytes:,} bytes", ""),
        (
            f"{late}: at the origin",
            delay(figures.release_ms_p50_direct, figures.release_ms_p99_direct),
            goal,
        ),
        (
            f"{late}: at the own edge",
            delay(figures.release_ms_p50_edge, figures.release_ms_p99_edge),
            goal,
        ),
        (
            f"{late}: at nginx and Varnish",
            delay(figures.release_ms_p50_varnish, figures.release_ms_p99_varnish),
            "",
        ),
        ("questions to the origin for it, own edge", str(figures.origin_fills), "1"),
        ("the same, nginx and Varnish", str(figures.varnish_fills or "not measured"), "1"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--waiters", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=10, help="reloads of each kind")
    parser.add_argument("--window", type=float, default=5.0, help="seconds of each wrk run")
    parser.add_argument("--store", action="store_true", help=f"write into {BENCHMARKS}")
    arguments = parser.parse_args()
    console = Console(stderr=True)
    gc.disable()  # its pauses would be counted as the server's
    figures = uvloop.run(measure(arguments.waiters, arguments.rounds, arguments.window, console))
    rows = table(figures)
    shown = Table("what", "measured", "goal", title="The origin and its edges")
    for row in rows:
        shown.add_row(*row)
    Console().print(shown)
    for doubt in figures.doubts:
        console.print(f"[yellow]doubt:[/yellow] {doubt}")
    line = json.dumps(asdict(figures))
    if arguments.store:
        text = "one channel of three renditions, parts of 40 kB, connections that stay open."
        about = rig.about(text, "make bench-origin")
        store("origin", about, ("what", "measured", "goal"), rows, line)
    print(line)


if __name__ == "__main__":
    main()
