"""`python -m tests.bench.joins`: many viewers join at once while others watch.

Prints a table and, as its last line, one JSON object; with `--store` both go into
docs/benchmarks.md too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from signaling.load_crowd import Crowd
from signaling.load_door import MonotonicClock, WhepDoor
from signaling.load_result import Spread
from signaling.process_meter import ProcessMeter
from tests.bench import rig
from tests.bench.machine import Watch
from tests.bench.page import BENCHMARKS, store

SETTLE_S = 3.0
CHECKED = 100
"""Of those that come: their keyframes are looked for. All of those present are checked."""


@dataclass(frozen=True, slots=True)
class Joins:
    """The figures; the field names are the keys of the JSON object."""

    joined: int
    refused: dict[str, int]
    """Joins that failed, by status or error."""
    joins_per_s: float
    join_packet_ms_p50: float
    join_packet_ms_p95: float
    join_packet_ms_max: float
    join_keyframe_ms_p50: float
    join_keyframe_ms_p95: float
    join_keyframe_ms_max: float
    keyframe_requests_per_s: float
    """That reached the publisher."""
    lost_by_present: int
    present_latency_ms_p99: float
    lost_by_comers: int
    client_cpu_percent: float
    doubts: list[str]


async def measure(
    present: int, comers: int, seconds: float, bitrate: int, console: Console
) -> Joins:
    clock = MonotonicClock()
    with rig.sluice() as server, Progress(console=console) as progress:
        first = rig.viewers(present, bitrate=bitrate, checked=present)
        rest = rig.viewers(comers, checked=CHECKED)
        try:
            async with rig.door(server, "load") as door, WhepDoor(door.url) as other_door:
                there, coming = Crowd(first, door, clock), Crowd(rest, other_door, clock)
                await there.publish()
                await there.join(present, rate=50)
                await clock.sleep(SETTLE_S)
                watch = Watch(ProcessMeter(server.pid))
                first.reset_latency()
                before, start = await there.report(), clock.now()
                cpu_before = (await coming.report()).cpu_s
                task = progress.add_task("joins", total=comers)
                last = start

                def answered(done: int) -> None:
                    nonlocal last
                    last = clock.now()
                    progress.update(task, completed=done)

                await coming.join(comers, comers / seconds, answered)
                watched, asking = await there.report(), clock.now() - start
                await clock.sleep(SETTLE_S)
                # What is lost is known a second later.
                after, came = await there.report(), await coming.report()
                over, doubts = clock.now() - start, watch.doubts()
        finally:
            first.stop()
            rest.stop()
    packets, keyframes = Spread.of(came.join_packet_ms), Spread.of(came.join_keyframe_ms)
    asked = watched.publishers[0].keyframe_requests - before.publishers[0].keyframe_requests
    cpu_s = after.cpu_s - before.cpu_s + came.cpu_s - cpu_before
    return Joins(
        joined=packets.count,
        refused=dict(coming.refused),
        joins_per_s=round(packets.count / (last - start), 1),
        join_packet_ms_p50=packets.p50_ms,
        join_packet_ms_p95=packets.p95_ms,
        join_packet_ms_max=packets.max_ms,
        join_keyframe_ms_p50=keyframes.p50_ms,
        join_keyframe_ms_p95=keyframes.p95_ms,
        join_keyframe_ms_max=keyframes.max_ms,
        keyframe_requests_per_s=round(asked / asking, 2),
        lost_by_present=after.video.lost + after.audio.lost - before.video.lost - before.audio.lost,
        present_latency_ms_p99=round(watched.video_latency.p99_ms, 2),
        lost_by_comers=came.video.lost + came.audio.lost,
        client_cpu_percent=round(100 * cpu_s / over, 1),
        doubts=doubts,
    )


def table(joins: Joins) -> list[tuple[str, str]]:
    def spread(p50: float, p95: float, most: float) -> str:
        return f"p50 {p50:.0f} ms, p95 {p95:.0f} ms, max {most:.0f} ms"

    return [
        ("joined", f"{joins.joined:,}, {joins.joins_per_s:g} a second"),
        ("refused", str(sum(joins.refused.values()))),
        (
            "from the offer to the first packet",
            spread(joins.join_packet_ms_p50, joins.join_packet_ms_p95, joins.join_packet_ms_max),
        ),
        (
            "from the offer to a whole keyframe",
            spread(
                joins.join_keyframe_ms_p50, joins.join_keyframe_ms_p95, joins.join_keyframe_ms_max
            ),
        ),
        ("keyframe requests to the publisher", f"{joins.keyframe_requests_per_s:g} a second"),
        ("lost by those already there", f"{joins.lost_by_present:,} packets"),
        ("their delay meanwhile, p99", f"{joins.present_latency_ms_p99} ms"),
        ("lost by those that came", f"{joins.lost_by_comers:,} packets"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--present", type=int, default=100, help="viewers that are there already")
    parser.add_argument("--viewers", type=int, default=1000, help="viewers that join")
    parser.add_argument("--seconds", type=float, default=5.0, help="in which they join")
    parser.add_argument("--bitrate", type=int, default=rig.BITRATE, help="of the video, bit/s")
    parser.add_argument("--store", action="store_true", help=f"write into {BENCHMARKS}")
    arguments = parser.parse_args()
    present, viewers, seconds = arguments.present, arguments.viewers, arguments.seconds
    joins = asyncio.run(measure(present, viewers, seconds, arguments.bitrate, Console(stderr=True)))
    rows = table(joins)
    shown = Table("what", "measured", title=f"{viewers:,} joins in {seconds:g} s")
    for row in rows:
        shown.add_row(*row)
    Console().print(shown)
    for doubt in joins.doubts:
        Console(stderr=True).print(f"[yellow]doubt:[/yellow] {doubt}")
    figures = json.dumps(asdict(joins))
    if arguments.store:
        text = (
            f"{viewers:,} viewers join in {seconds:g} s a broadcast of "
            f"{arguments.bitrate / 1e6:g} Mbit/s that {present} watch already."
        )
        about = rig.about(text, "python -m tests.bench.joins --store")
        store("joins", about, ("what", "measured"), rows, figures)
    print(figures)


if __name__ == "__main__":
    main()
