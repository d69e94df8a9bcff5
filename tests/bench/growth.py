"""`python -m tests.bench.growth`: what a packet costs with more viewers, and with more broadcasts.

Prints a table and, as its last line, one JSON object; with `--store` both go into
docs/benchmarks.md, and the plot beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from signaling.load_result import LoadResult
from signaling.load_run import Plan
from tests.bench import rig
from tests.bench.page import BENCHMARKS, store
from tests.bench.plot import Chart, Point, page

PLOT = Path("docs/benchmarks-growth.svg")
PICTURE = "Cost a packet and CPU, by viewers and by broadcasts"
WINDOW_S = 8.0
VIEWERS = (50, 200, 500, 1000, 2000)
BROADCASTS = (1, 10, 50)
SPREAD_VIEWERS = 500
MOST_AT_FULL_RATE = 1000
LOW_BITRATE = 1_000_000
"""Beyond that number: with the audio about as many packets in all as the largest full rate."""
NOTE = "Hollow: a smaller stream, not all delivered, or a doubt (see the JSON line)."


@dataclass(frozen=True, slots=True)
class Step:
    """One run."""

    viewers: int
    broadcasts: int
    mbit_per_s: float
    """Of each broadcast's video."""
    us_per_packet: float
    cpu_percent: float
    packets_per_s: float
    kb_per_viewer: float
    lost_packets: int
    delivered_percent: float | None
    whole: bool
    latency_ms_p99: float
    client_cpu_percent: float
    doubts: list[str]

    @property
    def marked(self) -> bool:
        low = self.mbit_per_s * 1e6 < rig.BITRATE
        return low or not self.whole or bool(self.doubts)


async def measure(window_s: float, console: Console) -> tuple[list[Step], list[Step]]:
    """By viewers of one broadcast, and by broadcasts with the same number of viewers in all."""
    by_viewers = [await step(viewers, 1, window_s, console) for viewers in VIEWERS]
    by_broadcasts = [
        await step(SPREAD_VIEWERS, broadcasts, window_s, console) for broadcasts in BROADCASTS
    ]
    return by_viewers, by_broadcasts


async def step(viewers: int, broadcasts: int, window_s: float, console: Console) -> Step:
    bitrate = rig.BITRATE if viewers <= MOST_AT_FULL_RATE else LOW_BITRATE
    with rig.sluice() as server:
        result = await rig.measured(
            f"{viewers:,} viewers, {broadcasts} broadcasts",
            Plan(viewers, rate=100, seconds=window_s),
            rig.viewers(viewers, bitrate=bitrate),
            rig.SeveralDoors([rig.door(server, f"load{n}") for n in range(broadcasts)]),
            server.pid,
            console,
        )
    return of(result, broadcasts, bitrate)


def of(result: LoadResult, broadcasts: int, bitrate: int) -> Step:
    server = result.server
    assert server is not None, "a run with a process to look at has its figures"
    return Step(
        viewers=result.viewers,
        broadcasts=broadcasts,
        mbit_per_s=bitrate / 1e6,
        us_per_packet=server.us_per_packet,
        cpu_percent=server.cpu_percent,
        packets_per_s=result.packets_per_s,
        kb_per_viewer=server.kb_per_viewer,
        lost_packets=rig.lost(result),
        delivered_percent=result.delivered_percent,
        whole=rig.is_whole(result),
        latency_ms_p99=round(result.video_latency.p99_ms, 2),
        client_cpu_percent=result.client_cpu_percent,
        doubts=result.doubts,
    )


def charts(by_viewers: list[Step], by_broadcasts: list[Step]) -> list[Chart]:
    def points(steps: list[Step], count: str, figure: str) -> list[Point]:
        return [
            Point(f"{getattr(one, count):,}", round(getattr(one, figure), 2), one.marked)
            for one in steps
        ]

    spread = f"broadcasts, {SPREAD_VIEWERS} viewers in all"
    cost, cpu = ("us_per_packet", "us"), ("cpu_percent", "% of a core")
    return [
        Chart(title, x, unit, points(steps, count, figure))
        for steps, count, x in (
            (by_viewers, "viewers", "viewers of one broadcast"),
            (by_broadcasts, "broadcasts", spread),
        )
        for title, (figure, unit) in (("CPU a forwarded packet", cost), ("CPU of the server", cpu))
    ]


def table(steps: list[Step]) -> list[tuple[str, ...]]:
    return [
        (
            f"{one.viewers:,}" + (" *" if one.marked else ""),
            str(one.broadcasts),
            f"{one.mbit_per_s:g}",
            f"{one.packets_per_s:,.0f}",
            f"{one.us_per_packet:.2f}",
            f"{one.cpu_percent:.0f}",
            f"{one.client_cpu_percent:.0f}",
            f"{one.kb_per_viewer:g}",
            f"{one.latency_ms_p99:g}",
            f"{one.lost_packets:,}",
            str(one.delivered_percent),
        )
        for one in steps
    ]


HEADER = (
    "viewers",
    "broadcasts",
    "Mbit/s each",
    "packets/s",
    "us a packet",
    "server CPU %",
    "client CPU %",
    "kB a viewer",
    "delay p99, ms",
    "lost",
    "delivered %",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--window", type=float, default=WINDOW_S, help="seconds of each run")
    parser.add_argument("--store", action="store_true", help=f"write {PLOT} and {BENCHMARKS}")
    arguments = parser.parse_args()
    console = Console(stderr=True)
    by_viewers, by_broadcasts = asyncio.run(measure(arguments.window, console))
    rows = table([*by_viewers, *by_broadcasts])
    shown = Table(*HEADER, title="Growth")
    for row in rows:
        shown.add_row(*row)
    Console().print(shown)
    for one in [*by_viewers, *by_broadcasts]:
        for doubt in one.doubts:
            console.print(f"[yellow]doubt at {one.viewers} viewers:[/yellow] {doubt}")
    figures = json.dumps(
        {
            "viewers": [asdict(one) for one in by_viewers],
            "broadcasts": [asdict(one) for one in by_broadcasts],
        }
    )
    if arguments.store:
        PLOT.write_text(page(charts(by_viewers, by_broadcasts), note=NOTE), encoding="utf-8")
        text = (
            "*: a smaller stream, not all delivered, or a doubt (in the JSON line); these points "
            "are hollow in the plot."
        )
        about = rig.about(text, "python -m tests.bench.growth --store")
        about = f"![{PICTURE}]({PLOT.name})\n\n{about}"
        store("growth", about, HEADER, rows, figures)
    print(figures)


if __name__ == "__main__":
    main()
