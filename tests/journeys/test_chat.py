"""A room that lives through kills: who comes back has a part of the one log, and says what it said.

The crowd holds the server to its word: a hole or a repeat that nobody declared fails.
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from mobile_sim.crowd import CrowdReport, CrowdSettings, Transport, crowd
from tests.journeys.server import SluiceServer

PEOPLE = 20
KILLS = 4
SETTINGS = {"chat": {"guests": "write", "frames_per_network": 10_000, "display_rate": 0}}


@pytest.mark.parametrize("seed", [1])
async def test_a_crowd_outlives_kills_of_the_server(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    server = SluiceServer(tmp_path, workers=1, settings=SETTINGS)
    await asyncio.to_thread(server.start)
    server.create_channel("live")
    stop, latest = asyncio.Event(), asyncio.Queue[CrowdReport]()
    people = CrowdSettings(server.whep_url("live"), PEOPLE, 40, Transport.WS)
    talking = asyncio.create_task(crowd(people, stop, latest.put_nowait, rng=rng))
    try:
        for _ in range(KILLS):
            await until_present(latest, rng.randrange(100, 400))
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)
        await until_present(latest, 200)
    finally:
        stop.set()
        total = await talking
        await asyncio.to_thread(server.stop)
    assert (total.holes, total.repeats) == (0, 0), total
    assert total.recovered >= PEOPLE
    assert total.heard >= total.acked > 0


async def until_present(latest: asyncio.Queue[CrowdReport], more: int) -> None:
    """Until everybody is there, and so many messages more were acknowledged."""
    async with asyncio.timeout(60):
        acked = (await latest.get()).acked
        while True:
            report = await latest.get()
            if report.present == PEOPLE and report.acked >= acked + more / PEOPLE:
                return
