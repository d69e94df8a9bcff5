"""Attacks on the media plane's ports: rubbish, strangers, half-open sessions, replays."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections import Counter
from contextlib import closing

import aiohttp

from sfu.native import LoadViewers
from tests.faults.row import STEADY, WHOLE, Measured, Row, Target
from tests.faults.strangers import CLIENT_HELLO, Credentials, check, credentials, rubbish, stranger
from tests.faults.watching import CHANNEL, awaited, watching
from tests.faults.wire import Heard, Mouth, overhear
from tests.faults.world import World
from tests.journeys.publisher import Publisher
from tests.journeys.server import SluiceServer
from tests.journeys.waiting import until

FAMILY = "media plane"
HONEST = 20
WORKERS = 2
RUBBISH = 20_000
CHUNK = 50
"""Datagrams between two pauses: a flood that the kernel drops would prove nothing."""
PAUSE_S = 0.005
HALF_OPEN = 10_000
AT_ONCE = 64
SDP = {"Content-Type": "application/sdp"}


def _ports(server: SluiceServer) -> range:
    return range(server.media_port, server.media_port + WORKERS)


def _panics(server: SluiceServer) -> float:
    return server.metric("sluice_engine_errors_total", reason="panic")


def _offer() -> str:
    """Of a viewer that will never come."""
    load = LoadViewers(max_viewers=1)
    try:
        return load.offer()[1]
    finally:
        load.stop()


async def _answer(server: SluiceServer, channel: str, offer: str) -> str:
    url = server.whep_url(channel)
    async with (
        aiohttp.ClientSession() as http,
        http.post(url, data=offer, headers=SDP) as answer,
    ):
        answer.raise_for_status()
        return await answer.text()


def malformed(world: World, seed: int) -> Measured:
    """20,000 damaged datagrams, from strangers and in the names of honest peers."""

    async def run() -> Measured:
        dice, server = random.Random(seed), world.server(workers=WORKERS, unlimited=True)
        async with watching(server, HONEST) as honest:
            heard = await asyncio.to_thread(overhear, _ports(server), 1.0)
            seeds = [one.payload for one in heard]
            await honest.begin()
            with stranger(("127.0.0.1", server.media_port)) as unknown, closing(Mouth()) as mouth:
                for number in range(RUBBISH):
                    bad, known = rubbish(dice, seeds), dice.choice(heard)
                    if dice.random() < 0.5:
                        mouth.say(known.source, known.to, bad)
                    else:
                        unknown.send(bad)
                    if number % CHUNK == 0:
                        await asyncio.sleep(PAUSE_S)
            window = await honest.end()
        return Measured(
            {
                "sessions ended": window.closed,
                "packets lost by honest viewers": window.lost,
                "panics": _panics(server),
            },
            f"{RUBBISH} datagrams, {window.packets} packets to viewers",
        )

    return asyncio.run(run())


def unverified(world: World, seed: int) -> Measured:
    """Checks without the password, handshakes without a check, and then a good check."""

    async def run() -> Measured:
        dice, server = random.Random(seed), world.server(workers=1)
        to = ("127.0.0.1", server.media_port)
        async with watching(server, 1):
            offer = _offer()
            ours = credentials(offer)
            theirs = credentials(await _answer(server, CHANNEL, offer))
            with stranger(to) as wrong, stranger(to) as right:
                for number in range(1_000):
                    other = Credentials(f"{dice.getrandbits(40):x}", theirs.pwd)
                    wrong.send(check(theirs, ours, pwd="w" * 22))
                    wrong.send(check(other, ours))
                    wrong.send(CLIENT_HELLO + dice.randbytes(220))
                    if number % CHUNK == 0:
                        await asyncio.sleep(PAUSE_S)
                wrong.listen(1)
                right.send(check(theirs, ours))
                right.listen(0.3)
        assert right.received > 0, "the good check was not answered"
        return Measured(
            {
                "bytes out/in, unproved": wrong.received / wrong.sent,
                "bytes out/in, proved": right.received / right.sent,
            },
            f"{wrong.sent} bytes in, {wrong.received} out",
        )

    return asyncio.run(run())


def half_open(world: World, seed: int) -> Measured:
    """10,000 WHEP POSTs that nothing follows."""

    async def run() -> Measured:
        server = world.server(workers=WORKERS, unlimited=True)
        tree = world.tree(server)
        async with watching(server, HONEST) as honest, aiohttp.ClientSession() as http:
            offer, statuses = _offer(), Counter[int]()
            free, url = asyncio.Semaphore(AT_ONCE), server.whep_url(CHANNEL)

            async def post() -> None:
                async with free, http.post(url, data=offer, headers=SDP) as answer:
                    statuses[answer.status] += 1
                    await answer.read()

            def few() -> bool:
                return server.metric("sluice_sessions", role="viewer") <= HONEST

            # The first fill what the allocators keep.
            await asyncio.gather(*(post() for _ in range(1_500)))
            await awaited("they expire", few, 40)
            before = tree.rss
            statuses.clear()
            await honest.begin()
            most = 0.0
            for _ in range(10):
                await asyncio.gather(*(post() for _ in range(HALF_OPEN // 10)))
                most = max(most, server.metric("sluice_engine_peers"))
            await awaited("they expire", few, 40)
            window = await honest.end()
            return Measured(
                {
                    "memory after it": 100 * (tree.rss - before) / before,
                    "half-open at once": most - HONEST - 1,
                    "packets lost by honest viewers": window.lost_percent,
                },
                f"answers {dict(statuses)}, {before >> 20} MiB before",
            )

    del seed
    return asyncio.run(run())


def consent(world: World, seed: int) -> Measured:
    """A viewer's process is killed, and tells nobody."""
    server = world.server(workers=1)
    world.phone(server, size="320x180")
    output = world.folder / "viewer.log"
    command = [sys.executable, "-m", "mobile_sim", "watch", server.whep_url("lina"), "--json"]
    viewer = Publisher(command, {}, output)  # a process that can be killed, whatever it does
    world.at_the_end(viewer.kill)

    def connected() -> bool:
        return any(one["state"] == "connected" for one in server.peers("lina", "viewer"))

    until("it watches", connected, 20)
    time.sleep(random.Random(seed).uniform(0.5, 2.5))
    viewer.kill()
    began = time.monotonic()
    until("it is gone", lambda: not server.peers("lina", "viewer"), 30)
    return Measured({"noticed": time.monotonic() - began})


def replay(world: World, seed: int) -> Measured:
    """Ten times everything that the publisher sent, from its own address, in any order."""

    async def run() -> Measured:
        dice, server = random.Random(seed), world.server(workers=1)
        async with watching(server, 5) as honest:
            (peer,) = await asyncio.to_thread(server.peers, CHANNEL, "publisher")
            port = int(str(peer["address"]).rpartition(":")[2])
            heard = await asyncio.to_thread(overhear, _ports(server), 1.0)
            media = [one for one in heard if one.source[1] == port and _is_rtp(one)]
            assert media, "nothing was overheard"
            await honest.begin()
            dropped = server.metric("sluice_engine_drops_total", reason="no_media")
            with closing(Mouth()) as mouth:
                for number, one in enumerate(dice.choices(media, k=10 * len(media))):
                    mouth.say(one.source, one.to, one.payload)
                    if number % CHUNK == 0:
                        await asyncio.sleep(PAUSE_S)
            seen = await honest.end()
            dropped = server.metric("sluice_engine_drops_total", reason="no_media") - dropped
        return Measured(
            {
                "delivered twice": seen.duplicates,
                "packets lost by viewers": seen.lost,
                "sessions ended": seen.closed,
                "dropped and counted": 100 * dropped / (10 * len(media)),
            },
            f"{10 * len(media)} replayed",
        )

    return asyncio.run(run())


def _is_rtp(heard: Heard) -> bool:
    """RFC 7983 and RFC 5761: neither STUN nor DTLS, and no RTCP."""
    return 128 <= heard.payload[0] <= 191 and not 192 <= heard.payload[1] <= 223


ROOT = ("root",)
ROWS = (
    Row(
        "malformed packets",
        FAMILY,
        (
            Target("sessions ended", 0),
            Target("packets lost by honest viewers", 0),
            Target("panics", 0),
        ),
        malformed,
        ROOT,
        cores=WHOLE,
    ),
    Row(
        "unverified source",
        FAMILY,
        (Target("bytes out/in, unproved", 1.5), Target("bytes out/in, proved", 1.5)),
        unverified,
    ),
    Row("consent", FAMILY, (Target("noticed", 7, "s"),), consent),
    Row(
        "half-open, 10,000 POSTs",
        FAMILY,
        (
            Target("memory after it", 5, "%"),
            Target("half-open at once", 1_000),
            Target("packets lost by honest viewers", 0.1, "%"),
        ),
        half_open,
        limit_s=240,
        cores=STEADY,
    ),
    Row(
        "SRTP replay",
        FAMILY,
        (
            Target("delivered twice", 0),
            Target("packets lost by viewers", 0),
            Target("sessions ended", 0),
            Target("dropped and counted", 95, "%", least=True),
        ),
        replay,
        ROOT,
    ),
)
