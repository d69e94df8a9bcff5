"""`make bench-bad-crowd`: 300 honest viewers while a bad crowd does what it can.

Twice on a new server with its defaults: without the bad crowd, and with it. Each attack runs in
a process of its own (tests/bench/bad_load.py) from loopback addresses of its own
(tests/bench/bad_plan.py), so that the server's limits by address see strangers, as in life.
Prints a table and, as its last line, one JSON object; with `--store` both go into
docs/benchmarks.md too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from signaling.load_crowd import Crowd
from signaling.load_door import Clock, MonotonicClock
from signaling.load_result import Window
from tests.bench import machine, rig
from tests.bench.bad_figures import (
    HEADER,
    NEWCOMERS,
    VIEWERS,
    Attacked,
    BadCrowd,
    Samples,
    Seen,
    Side,
    side_of,
    table,
)
from tests.bench.bad_http import Caller
from tests.bench.bad_load import ATTACKS, Attack
from tests.bench.bad_plan import HONEST, Plan
from tests.bench.newcomers import Newcomers
from tests.bench.page import BENCHMARKS, store
from tests.bench.process_tree import TreeMeter, by_role
from tests.bench.scraped import grown, scrape
from tests.journeys.server import SluiceServer

JOIN_RATE = 40.0
"""A second: all honest viewers come from one address here, which may send 50."""
BEGINS_S = 60.0
"""The phone may take so long, and its first segments."""
SETTLE_S = 8.0
FIRST_S = 3.0
"""The attacks are under way before the first newcomer."""
LOST_S = 1.5
"""A lost packet is known a second later."""
AFTER_S = 30.0
"""When the attackers have gone: half-open peers end after 10 s, idle connections after 15 s."""
SAMPLE_S = 1.0
SETTINGS: Mapping[str, Mapping[str, object]] = {
    # The worse case: strangers may write.
    "chat": {"guests": "write"},
    # Not on demand: its process would come and go with who asks, and memory with it.
    "bridge": {"start": "always", "rungs": 1},
}
HLS = "hls"
"""A second broadcast, of the phone in software, whose HLS the slow readers ask for."""
SMALL = ("--size", "320x180", "--fps", "15", "--bitrate", "300k")
COUNTERS = {
    "http_problems": "sluice_http_problems_total",
    "chat_errors": "sluice_chat_errors_total",
    "chat_closed": "sluice_chat_closed_total",
    "sessions_closed": "sluice_sessions_closed_total",
    "media_restarts": "sluice_media_restarts_total",
}


@contextmanager
def served() -> Iterator[SluiceServer]:
    """A new server with the limits that everybody has."""
    with (
        tempfile.TemporaryDirectory() as folder,
        SluiceServer(Path(folder), workers=os.cpu_count() or 1, settings=SETTINGS) as server,
    ):
        yield server


async def measure(seconds: float, scale: float, console: Console) -> BadCrowd:
    console.print("Without the bad crowd")
    without = await side(seconds, (), scale, console)
    console.print("With the bad crowd")
    with_them = await side(seconds, tuple(ATTACKS), scale, console)
    return BadCrowd(seconds, without, with_them)


async def side(seconds: float, attacks: tuple[str, ...], scale: float, console: Console) -> Side:
    """One run on a server of its own."""
    clock = MonotonicClock()
    with served() as server:
        load = rig.viewers(VIEWERS + 10)
        key = server.create_channel(HLS)
        try:
            with rig.phone(server.whip_url(HLS), key, *SMALL):
                await asyncio.to_thread(server.await_live, HLS, BEGINS_S)
                await asyncio.to_thread(server.await_segments, HLS, 2, BEGINS_S)
                async with rig.door(server, "load") as door:
                    crowd = Crowd(load, door, clock)
                    await crowd.publish()
                    await crowd.join(VIEWERS, JOIN_RATE)
                    await clock.sleep(SETTLE_S)
                    plan = Plan("127.0.0.1", server.port, "load", HLS, seconds, scale)
                    return await watched(server, crowd, plan, attacks, clock)
        finally:
            load.stop()


async def watched(
    server: SluiceServer,
    crowd: Crowd,
    plan: Plan,
    attacks: tuple[str, ...],
    clock: MonotonicClock,
) -> Side:
    """From the attacks' begin until they are forgotten."""
    meter, ours = TreeMeter(server.pid), TreeMeter(os.getpid())
    path = f"/whep/{plan.channel}"
    newcomers = Newcomers(
        path, lambda: Caller(HONEST, plan.host, plan.port), lambda: rig.viewers(2), clock
    )
    await asyncio.to_thread(crowd.load.reset_latency)
    first, told = await crowd.report(), await asyncio.to_thread(scrape, server.origin)
    before = by_role(meter.members())
    used, busy, own = meter.read(), machine.moment(), ours.read().cpu_s
    start, samples = clock.now(), Samples()
    running = [Attack.start(name, plan) for name in attacks]
    try:
        async with background(sample(server, meter, samples, clock)):
            await clock.sleep(min(FIRST_S, plan.seconds / 4))
            await newcomers.come(NEWCOMERS, plan.seconds - (clock.now() - start) - 1)
            await clock.sleep(start + plan.seconds - clock.now())
            window = Window(
                clock.now() - start, first, await crowd.report(), used, used, meter.read()
            )
            doubt = machine.doubt(busy, machine.moment(), ours.read().cpu_s - own)
            await clock.sleep(LOST_S)
            settled = await crowd.report()
        found = {one.name: await asyncio.to_thread(one.found) for one in running}
        told_after = await asyncio.to_thread(scrape, server.origin)
        await clock.sleep(AFTER_S)
        after = by_role(meter.members())
        if attacks:
            running = [Attack.start(name, plan) for name in attacks]
            for one in running:
                await asyncio.to_thread(one.found)
            await clock.sleep(AFTER_S)
        again = meter.read().rss_kb if attacks else None
    finally:
        for one in running:
            one.end()
    return side_of(
        Seen(
            joined=len(crowd.viewers),
            window=window,
            settled=settled,
            before_by_role=before,
            after_by_role=after,
            again_kb=again,
            newcomers=newcomers,
            samples=samples,
            counted={name: grown(told, told_after, one) for name, one in COUNTERS.items()},
            attacks={
                name: Attacked(one.outcomes, round(100 * one.cpu_s / window.seconds, 1))
                for name, one in found.items()
            },
            doubts=[doubt] if doubt else [],
        )
    )


async def sample(server: SluiceServer, meter: TreeMeter, samples: Samples, clock: Clock) -> None:
    """Once a second, for ever."""
    while True:
        samples.rss_kb.append(meter.read().rss_kb)
        try:
            samples.look(await asyncio.to_thread(scrape, server.origin))
        except OSError:
            samples.failures += 1
        await clock.sleep(SAMPLE_S)


@asynccontextmanager
async def background(work: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Until the end of the block. An error in the work is raised there."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of each of the two runs")
    parser.add_argument("--scale", type=float, default=1.0, help="a part of the bad crowd")
    parser.add_argument("--store", action="store_true", help=f"write into {BENCHMARKS}")
    arguments = parser.parse_args()
    console = Console(stderr=True)
    figures = asyncio.run(measure(arguments.seconds, arguments.scale, console))
    rows = table(figures)
    shown = Table(*HEADER, title="A bad crowd")
    for row in rows:
        shown.add_row(*row)
    Console().print(shown)
    for name, one in (("without", figures.without), ("with", figures.with_them)):
        for doubt in one.doubts:
            console.print(f"[yellow]doubt, {name}:[/yellow] {doubt}")
    line = json.dumps(asdict(figures))
    if arguments.store:
        text = (
            f"{VIEWERS} viewers of 2.5 Mbit/s for {arguments.seconds:g} s without and with the bad "
            "crowd, which runs on the same cores."
        )
        store("bad-crowd", rig.about(text, "make bench-bad-crowd"), HEADER, rows, line)
    print(line)


if __name__ == "__main__":
    main()
