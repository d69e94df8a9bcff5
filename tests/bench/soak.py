"""`make soak`: an hour in which people come and go, and what grows meanwhile.

Viewers by WebRTC and LL-HLS and guests of the room come and go, the publisher reconnects,
recordings begin, end and are deleted. Prints what was done, a table of slopes and, as its last
line, one JSON object; with `--store` the tables go into docs/benchmarks.md, and the plot beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import tempfile
from collections import Counter
from collections.abc import Coroutine, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from signaling.load_crowd import Crowd
from signaling.load_door import Clock, MonotonicClock, WhepDoor
from tests.bench import churn, machine, rig
from tests.bench.page import BENCHMARKS, store
from tests.bench.plot import page
from tests.bench.process_tree import TreeMeter
from tests.bench.scraped import scrape
from tests.bench.soak_figures import HEADER, Grown, Series, charts, grown, table
from tests.bench.soak_owner import Cleaner, Streamer
from tests.bench.soak_people import Place, chat_guest, crowd, hls_viewer
from tests.journeys.server import SluiceServer

PLOT = Path("docs/soak.svg")
PICTURE = "Memory, open files, threads and tasks over the time"
CHANNEL = "soak"
VIEWERS, VIEWER_RATE = 20, 0.5
"""By WebRTC; so many a second come, and as many go."""
HLS_VIEWERS, GUESTS = 8, 10
EVERY_S = 10.0
RECONNECT_S = 300.0
BEGINS_S = 60.0
"""The phone may take so long, and its first segments."""
AFTER_S = 20.0
"""When all have left: idle connections end."""
SETTINGS: Mapping[str, Mapping[str, object]] = {
    # All come from one address here.
    "limits": rig.UNLIMITED["limits"],
    "chat": {"guests": "write"},
    "recorder": {"record": "always", "reserve_mb": 64},
    "bridge": {"rungs": 2},
}


@dataclass(frozen=True, slots=True)
class Soak:
    """The field names are the keys of the JSON object."""

    seconds: float
    every_s: float
    grown: list[Grown]
    done: dict[str, int]
    """What people did, and what went wrong."""
    sessions_after: int
    """That the server still counts when all have left; the publisher's is not among them."""
    troubles: list[str]
    doubts: list[str]


async def measure(
    seconds: float, every_s: float, reconnect_s: float, console: Console
) -> tuple[Soak, Series]:
    clock, done, series = MonotonicClock(), Counter[str](), Series()
    with tempfile.TemporaryDirectory() as folder:
        server = SluiceServer(Path(folder), workers=os.cpu_count() or 1, settings=SETTINGS)
        with server, Progress(console=console) as progress:
            task = progress.add_task("soak", total=seconds)
            streamer = Streamer(server, CHANNEL, server.create_channel(CHANNEL), clock, done)
            cleaner = Cleaner(server, CHANNEL, clock, done)
            load = rig.viewers(VIEWERS + 100)
            ours, busy = TreeMeter(os.getpid()), machine.moment()
            own = ours.read().cpu_s
            streamer.begin()
            try:
                await asyncio.to_thread(server.await_live, CHANNEL, BEGINS_S)
                await asyncio.to_thread(server.await_segments, CHANNEL, 2, BEGINS_S)
                async with WhepDoor(server.whep_url(CHANNEL)) as door:
                    viewers = Crowd(load, door, clock)
                    await viewers.join(VIEWERS, rate=5)
                    work = [
                        *people(server, viewers, seconds, clock, done),
                        streamer.reconnect_forever(reconnect_s),
                        cleaner.recordings_forever(),
                        cleaner.channels_forever(),
                    ]
                    meter = TreeMeter(server.pid)
                    async with asyncio.TaskGroup() as group:
                        tasks = [group.create_task(one) for one in work]
                        start = clock.now()
                        while (at_s := clock.now() - start) < seconds:
                            progress.update(task, completed=at_s)
                            await look(server, meter, at_s, series, done)
                            due = start + len(series.times_s) * every_s
                            await clock.sleep(min(due, start + seconds) - clock.now())
                        for one in tasks:
                            one.cancel()
                    doubt = machine.doubt(busy, machine.moment(), ours.read().cpu_s - own)
                    done["WebRTC: joined"] = len((await viewers.report()).join_connected_ms)
                    for why, count in viewers.refused.items():
                        done[f"WebRTC: {why}"] = count
                    await viewers.disperse()
                    await clock.sleep(AFTER_S)
                    sessions = await asyncio.to_thread(churn.sessions_of, server)
            finally:
                streamer.end()
                load.stop()
    return (
        Soak(
            seconds=seconds,
            every_s=every_s,
            grown=grown(series),
            done=dict(sorted(done.items())),
            sessions_after=sessions,
            troubles=cleaner.troubles[:20],
            doubts=[doubt] if doubt else [],
        ),
        series,
    )


def people(
    server: SluiceServer, viewers: Crowd, seconds: float, clock: Clock, done: Counter[str]
) -> list[Coroutine[object, object, None]]:
    """Who comes and goes."""
    place, chance = Place(server.origin, CHANNEL), random.Random(1)
    return [
        churn.change(viewers, VIEWER_RATE, seconds, clock),
        crowd(hls_viewer, HLS_VIEWERS, place, done, chance),
        crowd(chat_guest, GUESTS, place, done, chance),
    ]


async def look(
    server: SluiceServer, meter: TreeMeter, at_s: float, series: Series, done: Counter[str]
) -> None:
    """A sample."""
    try:
        figures = await asyncio.to_thread(scrape, server.origin)
    except OSError as error:
        done[f"metrics: {type(error).__name__}"] += 1
        figures = None
    series.take(at_s, meter.members(), figures)


def told(soak: Soak) -> str:
    """What was done, as a sentence."""
    return "; ".join(f"{what} {count:,}" for what, count in soak.done.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3_600.0)
    parser.add_argument("--every", type=float, default=EVERY_S, help="seconds between samples")
    parser.add_argument(
        "--reconnect", type=float, default=RECONNECT_S, help="seconds of a publisher's session"
    )
    parser.add_argument("--store", action="store_true", help=f"write {PLOT} and {BENCHMARKS}")
    arguments = parser.parse_args()
    console = Console(stderr=True)
    soak, series = asyncio.run(
        measure(arguments.seconds, arguments.every, arguments.reconnect, console)
    )
    rows = table(soak.grown)
    shown = Table(*HEADER, title=f"{soak.seconds / 60:g} minutes")
    for row in rows:
        shown.add_row(*row)
    Console().print(shown)
    Console().print(f"done: {told(soak)}")
    Console().print(f"sessions when all had left: {soak.sessions_after}")
    for trouble in soak.troubles:
        console.print(f"[red]trouble:[/red] {trouble}")
    for doubt in soak.doubts:
        console.print(f"[yellow]doubt:[/yellow] {doubt}")
    line = json.dumps(asdict(soak))
    if arguments.store:
        PLOT.write_text(page(charts(series)), encoding="utf-8")
        text = (
            f"{soak.seconds / 60:g} minutes, a sample every {soak.every_s:g} s; slopes of the "
            f"second half. Done meanwhile: {told(soak)}. Sessions when all had left: "
            f"{soak.sessions_after}."
        )
        about = f"![{PICTURE}]({PLOT.name})\n\n{rig.about(text, 'make soak')}"
        store("soak", about, HEADER, rows, line)
    print(line)


if __name__ == "__main__":
    main()
