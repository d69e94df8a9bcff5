"""The Redis behind the chat is killed and started again, or cannot be reached for a while."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable

from mobile_sim.crowd import CrowdSettings, Transport, crowd
from tests.faults.row import Measured, Row, Target
from tests.faults.watching import awaited
from tests.faults.world import World
from tests.journeys import chat_kills

FAMILY = "redis"
PEOPLE = 20
MESSAGES_PER_S = 20.0
AWAY_S = 10.0
KILLS = 3
Strike = Callable[[chat_kills.Redis, random.Random], Awaitable[None]]
CUT = """
table inet cut {
  chain come { type filter hook input priority 0; tcp dport %d drop; tcp sport %d drop; }
}
"""


def restart(world: World, seed: int) -> Measured:
    """SIGKILL and a start, three times."""

    async def strike(redis: chat_kills.Redis, dice: random.Random) -> None:
        for _ in range(KILLS):
            await asyncio.to_thread(redis.kill)
            await asyncio.sleep(dice.uniform(0, 1))
            await asyncio.to_thread(redis.start)
            await asyncio.sleep(dice.uniform(1, 3))

    return asyncio.run(_run(world, seed, strike))


def partition(world: World, seed: int) -> Measured:
    """Nothing passes to it or from it for ten seconds, and nobody is told."""
    network = world.alone()

    async def strike(redis: chat_kills.Redis, dice: random.Random) -> None:
        text = CUT % (redis.port, redis.port)
        await asyncio.to_thread(network.run, "nft", "-f", "-", text=text)
        await asyncio.sleep(AWAY_S + dice.uniform(0, 2))
        await asyncio.to_thread(network.run, "nft", "delete", "table", "inet", "cut")

    return asyncio.run(_run(world, seed, strike))


async def _run(world: World, seed: int, strike: Strike) -> Measured:
    """A crowd speaks all the time; its every word must be in the log once, in the end."""
    dice, acked = random.Random(seed), dict[str, float]()
    server, redis = world.enter(chat_kills.town(world.folder, "redis"))
    assert redis is not None
    stop = asyncio.Event()

    def on_ack(ident: str) -> None:
        acked.setdefault(ident, time.monotonic())

    url = server.watch_url(chat_kills.CHANNEL)
    settings = CrowdSettings(url, PEOPLE, MESSAGES_PER_S, Transport.WS)
    talking = asyncio.create_task(crowd(settings, stop, lambda _: None, rng=dice, on_ack=on_ack))
    try:
        await chat_kills._all_there(server, PEOPLE)
        await asyncio.sleep(3)
        began = time.monotonic()
        await strike(redis, dice)
        mended = time.monotonic()
        await awaited("an answer", lambda: any(at > mended for at in list(acked.values())), 60)
        again = min(at for at in acked.values() if at > mended) - mended
        await chat_kills._all_there(server, PEOPLE)
        await asyncio.sleep(4)
    finally:
        stop.set()
        report = await talking
    counts = Counter(await asyncio.to_thread(chat_kills.logged, server))
    meanwhile = sum(began < at < mended for at in acked.values())
    return Measured(
        {
            "acknowledged and lost": len(acked.keys() - counts.keys()),
            "twice in the log": sum(count > 1 for count in counts.values()),
            "gaps that readers were not told of": report.holes,
            "heard twice": report.repeats,
            "acknowledged again after": again,
        },
        f"{len(acked)} acknowledged, {meanwhile} of them meanwhile; answers {report.errors}",
    )


TARGETS = (
    Target("acknowledged and lost", 0),
    Target("twice in the log", 0),
    Target("gaps that readers were not told of", 0),
    Target("heard twice", 0),
    Target("acknowledged again after", 5, "s"),
)
REDIS = ("redis-server", "redis-cli")
ROWS = (
    Row("Redis killed three times", FAMILY, TARGETS, restart, REDIS),
    Row("Redis partition of 10 s", FAMILY, TARGETS, partition, ("root", "nft", "ip", *REDIS)),
)
