"""There is more work than the cores can do: by other programs, and by a rush of viewers."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp

from sfu.native import LoadViewers
from tests.faults.processes import Tree
from tests.faults.row import WHOLE, Measured, NotRun, Row, Target
from tests.faults.watching import CHANNEL, watching
from tests.faults.world import World

FAMILY = "cpu"
VERSION_1 = Path("/sys/fs/cgroup/cpu")
UNIFIED = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified"))
PERIOD_US = 20_000
"""Short, so that a server without its share waits some milliseconds and not a tenth of a second."""
VIEWERS = 30
BUSY_S = 8.0
SHARE = 0.05
"""Of one core, for the server and all its processes."""
RUSH = 64
"""Clients that ask to be let in, each as soon as it was answered."""


def others(world: World, seed: int) -> Measured:
    """Programs that never rest, two for each core."""

    async def run() -> Measured:
        server = world.server(unlimited=True)
        async with watching(server, VIEWERS) as viewers:
            _begin_work(world, 2 * (os.cpu_count() or 1))
            window = await viewers.window(BUSY_S)
        return Measured(
            {"delay of viewers, p99": window.p99_ms, "packets lost": window.lost_percent}
        )

    del seed
    return asyncio.run(run())


def _begin_work(world: World, programs: int) -> None:
    for _ in range(programs):
        program = subprocess.Popen([sys.executable, "-c", "while True: pass"])
        world.at_the_end(program.wait)
        world.at_the_end(program.kill)


def rush(world: World, seed: int) -> Measured:
    """Viewers that want to come in, at a server that has a small part of a core."""

    async def run() -> Measured:
        dice = random.Random(seed)
        server = world.server({"limits": {"loop_lag_ms": 100}}, unlimited=True)
        statuses, stop = Counter[int](), asyncio.Event()
        offers = LoadViewers(max_viewers=1)
        world.at_the_end(offers.stop)
        offer, url = offers.offer()[1], server.whep_url(CHANNEL)
        headers = {"Content-Type": "application/sdp"}

        async def ask(http: aiohttp.ClientSession) -> None:
            await asyncio.sleep(dice.random())
            while not stop.is_set():
                async with http.post(url, data=offer, headers=headers) as answer:
                    await answer.read()
                    statuses[answer.status] += 1

        async with watching(server, VIEWERS) as viewers, aiohttp.ClientSession() as http:
            with share_of_a_core(world.tree(server), SHARE):
                await viewers.begin()
                asking = [asyncio.create_task(ask(http)) for _ in range(RUSH)]
                await asyncio.sleep(BUSY_S)
                window = await viewers.end()
                stop.set()
            await asyncio.gather(*asking)
        return Measured(
            {
                "delay of viewers, p99": window.p99_ms,
                "packets lost": window.lost_percent,
                "joins refused by 503": statuses[503],
            },
            f"answers {dict(statuses)}",
        )

    return asyncio.run(run())


@contextmanager
def share_of_a_core(tree: Tree, share: float) -> Iterator[None]:
    """All processes of the tree get together no more than this of one core. Raises NotRun."""
    above = next((one for one in UNIFIED if "cpu" in _controllers(one)), VERSION_1)
    group = above / f"sluice-faults-{os.getpid()}"
    try:
        if above in UNIFIED:
            (above / "cgroup.subtree_control").write_text("+cpu")
        group.mkdir()
    except OSError as error:
        raise NotRun(f"missing: a cgroup for the CPU ({error})") from None
    try:
        _limit(group, str(round(PERIOD_US * share)))
        for pid in tree.all():
            (group / "cgroup.procs").write_text(str(pid))
        yield
    finally:
        for line in (group / "cgroup.procs").read_text().split():
            (above / "cgroup.procs").write_text(line)
        group.rmdir()


def _limit(group: Path, quota: str) -> None:
    """To so many microseconds of each period, as versions 2 and 1 of cgroups are told it."""
    if group.parent in UNIFIED:
        (group / "cpu.max").write_text(f"{quota} {PERIOD_US}")
    else:
        (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
        (group / "cpu.cfs_quota_us").write_text(quota)


def _controllers(group: Path) -> list[str]:
    try:
        return (group / "cgroup.controllers").read_text().split()
    except OSError:
        return []


P99 = Target("delay of viewers, p99", 500, "ms")
LOST = Target("packets lost", 0.1, "%")
ROWS = (
    Row("CPU full, by other programs", FAMILY, (P99, LOST), others, cores=WHOLE),
    Row(
        "CPU full, by a rush of viewers",
        FAMILY,
        (P99, LOST, Target("joins refused by 503", 1, least=True)),
        rush,
        ("root",),
        cores=WHOLE,
    ),
)
