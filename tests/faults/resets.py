"""Readers of a busy room that reset their connection in the middle of it."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from contextlib import suppress

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from mobile_sim.crowd import CrowdReport, CrowdSettings, Transport, crowd
from tests.faults.http_attacks import FAMILY, honest
from tests.faults.row import Measured, Row, Target
from tests.faults.watching import awaited
from tests.faults.world import CHANNEL, World

PEOPLE = 20
MESSAGES_PER_S = 200.0
RESETS = 200
LINGER_NONE = struct.pack("ii", 1, 0)
"""Closing such a socket resets the connection."""
BUSY_ROOM = {
    "guests": "write",
    "frames_per_network": 100_000,
    "connections_per_network": 1_000,
    "messages_per_30_s": 100_000,
    "display_rate": 0,
}
LIMITS = {"ip_rate": 10_000.0, "ip_burst": 100_000}


def resets(world: World, seed: int) -> Measured:
    """Two hundred of them, while a room of people says two hundred things a second."""

    async def run() -> Measured:
        dice = random.Random(seed)
        server = world.server({"chat": BUSY_ROOM, "limits": LIMITS})
        server.create_channel(CHANNEL)
        stop = asyncio.Event()
        settings = CrowdSettings(server.watch_url(CHANNEL), PEOPLE, MESSAGES_PER_S, Transport.WS)
        talking = asyncio.create_task(crowd(settings, stop, lambda report: None, rng=dice))
        address = f"ws{server.origin.removeprefix('http')}/chat/{CHANNEL}"

        async def one(after_s: float) -> None:
            await asyncio.sleep(after_s)
            with suppress(WebSocketException, OSError, TimeoutError):
                reader = await connect(address, ping_interval=None)
                await reader.send('{"op":"hello","v":1}')
                await reader.recv()
                raw = reader.transport.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NONE)
                reader.transport.abort()

        await awaited("all are there", lambda: server.metric("sluice_chat_people") >= PEOPLE, 30)
        async with honest(server) as visitor:
            await asyncio.gather(*(one(dice.uniform(0, 8)) for _ in range(RESETS)))
            await asyncio.sleep(1)
        left = await asyncio.to_thread(server.metric, "sluice_chat_connections")
        stop.set()
        report: CrowdReport = await talking
        return Measured(
            {
                "honest answers, p99": visitor.p99_ms,
                "connections left behind": left - PEOPLE,
                "messages not acknowledged": 100 * (report.said - report.acked) / report.said,
            },
            f"{report.said} said, chat p99 {report.delay_ms_p99} ms",
        )

    return asyncio.run(run())


ROWS = (
    Row(
        "WebSocket resets while it sends",
        FAMILY,
        (
            Target("honest answers, p99", 100, "ms"),
            Target("connections left behind", 0),
            Target("messages not acknowledged", 1, "%"),
        ),
        resets,
    ),
)
