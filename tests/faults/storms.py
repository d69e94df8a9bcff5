"""Storms from peers that were let in: keyframe requests, NACKs, messages, and one that is slow."""

from __future__ import annotations

import asyncio
import random

from sfu.native import LoadViewers
from signaling.load_crowd import Crowd
from signaling.load_door import MonotonicClock, WhepDoor
from tests.faults.peers import BadViewer, connected
from tests.faults.row import BUSY, WHOLE, Measured, Row, Target
from tests.faults.watching import CHANNEL, watching
from tests.faults.world import World
from tests.journeys.access_lines import QUEUE_MS, SERVER
from tests.journeys.server import SluiceServer

FAMILY = "media plane"
HONEST = 20
CRIERS = 1_000
CRIES = 10.0
"""Keyframe requests of each of them a second."""
STORM_S = 10.0
USED_UP_S = 4.0
"""Until what may be resent in one burst is gone."""
MISSING = 200
NACK_EVERY_S = 0.02
MESSAGE_EVERY_S = 0.002
SLOW_KBITS = 100
WINDOW_S = 6.0


def pli_storm(world: World, seed: int) -> Measured:
    """A thousand viewers, each of which wants ten keyframes a second."""

    async def run() -> Measured:
        server = world.server(unlimited=True)
        crying = watching(server, CRIERS, bitrate=50_000, pli_per_second=CRIES, rate=200)
        async with crying as storm:
            asked = server.metric("sluice_engine_keyframe_requests_from_viewers_total")
            await storm.begin()
            await asyncio.sleep(STORM_S)
            asked = server.metric("sluice_engine_keyframe_requests_from_viewers_total") - asked
            window = await storm.end()
        return Measured(
            {
                "keyframes asked of the publisher": window.keyframe_requests / window.seconds,
                "packets lost": window.lost_percent,
            },
            f"{asked / STORM_S:.0f} requests a second by viewers",
        )

    del seed
    return asyncio.run(run())


def nack_storm(world: World, seed: int) -> Measured:
    """A viewer misses everything, fifty times a second."""

    async def run() -> Measured:
        dice, server = random.Random(seed), world.server(unlimited=True)
        async with watching(server, HONEST) as honest:
            viewer = BadViewer()
            async with connected(viewer, server.whep_url(CHANNEL)):
                before, storm_s = await _sent(server), 0.0
                await honest.begin()
                while storm_s < USED_UP_S + STORM_S:
                    await viewer.say_missing(dice.randint(MISSING // 2, MISSING))
                    await asyncio.sleep(NACK_EVERY_S)
                    if storm_s < USED_UP_S <= storm_s + NACK_EVERY_S:
                        before = await _sent(server)
                    storm_s += NACK_EVERY_S
                after = await _sent(server)
                ignored = server.metric("sluice_engine_nacks_ignored_total")
                window = await honest.end()
        packets, resent = (late - early for late, early in zip(after, before, strict=True))
        return Measured(
            {
                "resent, of what is sent": 100 * resent / max(1, packets),
                "packets lost by honest viewers": window.lost_percent,
            },
            f"{ignored:.0f} NACKs ignored",
        )

    return asyncio.run(run())


async def _sent(server: SluiceServer) -> tuple[int, int]:
    """Packets to the newest viewer, and those sent to it again."""
    peer = (await asyncio.to_thread(server.peers, CHANNEL, "viewer"))[-1]
    packets, resent = peer["packets"], peer["packets_resent"]
    assert isinstance(packets, int)
    assert isinstance(resent, int)
    return packets, resent


def data_flood(world: World, seed: int) -> Measured:
    """Hundreds of messages a second on a data channel, some of them too long."""

    async def run() -> Measured:
        dice, server = random.Random(seed), world.server(unlimited=True)
        async with watching(server, HONEST) as honest:
            quiet = await honest.window(STORM_S / 2)
            viewer = BadViewer()
            async with connected(viewer, server.whep_url(CHANNEL)):
                await viewer.opened()
                await honest.begin()
                sent, answered, begin = 0, 0, asyncio.get_running_loop().time()
                while (now := asyncio.get_running_loop().time() - begin) < STORM_S:
                    if now < 1:
                        answered = viewer.answered  # what may come at once has come
                    if viewer.echo.readyState != "open":
                        break
                    if viewer.echo.bufferedAmount < 200_000:
                        too_long = now > STORM_S / 2 and dice.random() < 0.01
                        size = 17_000 if too_long else dice.randint(1, 300)
                        viewer.echo.send(dice.randbytes(size))
                        sent += 1
                    await asyncio.sleep(MESSAGE_EVERY_S)
                answered = viewer.answered - answered
                dropped = server.metric("sluice_engine_drops_total", reason="data_message")
                flooded = await honest.end()
        return Measured(
            {
                "messages answered": answered / max(1, now - 1),
                "packets lost by honest viewers": flooded.lost_percent,
                "more delay of others, p99": flooded.p99_ms - quiet.p99_ms,
            },
            f"{sent} sent in {now:.1f} s, {dropped:.0f} dropped, then "
            f"{viewer.peer.connectionState}",
        )

    return asyncio.run(run())


def slow_viewer(world: World, seed: int) -> Measured:
    """One viewer's line carries a fifth of the stream."""

    async def run() -> Measured:
        (line,) = world.lines(1).lines
        server = world.server(host="0.0.0.0", media_host=SERVER, unlimited=True)
        async with watching(server, HONEST, bind=SERVER) as honest:
            quiet = await honest.window(WINDOW_S)
            line.narrow(SLOW_KBITS)
            with line.viewer.entered():
                slow = LoadViewers(bind=line.address, max_viewers=1, data_channel=False)
            try:
                async with WhepDoor(server.whep_url(CHANNEL)) as door:
                    crowd = Crowd(slow, door, MonotonicClock())
                    await crowd.join(1, 1)
                    await asyncio.sleep(3)  # its line is found out
                    slow.reset_latency()
                    beside = await honest.window(WINDOW_S)
                    late = (await crowd.report()).audio_latency
            finally:
                slow.stop()
        return Measured(
            {
                "more delay of others, p99": beside.p99_ms - quiet.p99_ms,
                "packets lost by others": beside.lost_percent,
                "delay of its sound, p99": late.p99_ms,
            },
            f"others {quiet.p99_ms:.1f} and {beside.p99_ms:.1f} ms; {late.count} of its own seen",
        )

    del seed
    return asyncio.run(run())


ROWS = (
    Row(
        "PLI storm, 1,000 viewers",
        FAMILY,
        (Target("keyframes asked of the publisher", 1, "/s"), Target("packets lost", 0.1, "%")),
        pli_storm,
        cores=WHOLE,
    ),
    Row(
        "NACK storm",
        FAMILY,
        (
            Target("resent, of what is sent", 15, "%"),
            Target("packets lost by honest viewers", 0.1, "%"),
        ),
        nack_storm,
    ),
    Row(
        "data channel flood",
        FAMILY,
        (
            # 20, and an answer that was under way when the counting began.
            Target("messages answered", 21, "/s"),
            Target("packets lost by honest viewers", 0.1, "%"),
            Target("more delay of others, p99", 5, "ms"),
        ),
        data_flood,
        cores=BUSY,
    ),
    Row(
        "slow viewer",
        FAMILY,
        (
            Target("more delay of others, p99", 5, "ms"),
            Target("packets lost by others", 0.1, "%"),
            Target("delay of its sound, p99", 500 + QUEUE_MS, "ms"),
        ),
        slow_viewer,
        ("root", "ip", "tc"),
        cores=BUSY,
    ),
)
