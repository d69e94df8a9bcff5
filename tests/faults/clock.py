"""The wall clock jumps by an hour while everything runs; the monotonic one does not."""

from __future__ import annotations

import asyncio
import random
import time
from functools import partial
from pathlib import Path

from tests.faults.outage import holes, sequence
from tests.faults.row import Measured, NotRun, Row, Target
from tests.faults.watching import watching
from tests.faults.world import CHANNEL, World
from tests.journeys.phone import Phone
from tests.journeys.server import SluiceServer

FAMILY = "clock"
HOUR_S = 3_600
LIBRARIES = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
LIBRARY = next(iter(sorted(LIBRARIES)), None)
VIEWERS = 10
TOKEN_S = 600
AFTER_S = 10.0


def _server(world: World) -> SluiceServer:
    """One whose wall clock, and that of its children, is what `_set` says."""
    if LIBRARY is None:
        raise NotRun("missing: libfaketime")
    _set(world, 0)
    variables = {
        "LD_PRELOAD": str(LIBRARY),
        "FAKETIME_TIMESTAMP_FILE": str(world.folder / "clock"),
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_CACHE_DURATION": "1",
    }
    return world.server(prefix=["env", *(f"{name}={text}" for name, text in variables.items())])


def _set(world: World, seconds: int) -> None:
    """So far from the truth from now on."""
    (world.folder / "clock").write_text(f"{seconds:+d}s\n", encoding="utf-8")


def jump(world: World, seed: int, seconds: int) -> Measured:
    """Of the server and all its processes; viewers have tokens of ten minutes."""
    server = _server(world)
    phone = Phone(server, CHANNEL, server.create_channel(CHANNEL, "token"))
    world.at_the_end(phone.kill)
    server.await_live(CHANNEL)

    async def run() -> Measured:
        token = server.viewer_token(CHANNEL, TOKEN_S)
        taken = await asyncio.to_thread(_time_of, server)
        viewers = watching(server, VIEWERS, channel=CHANNEL, token=token, publish=False)
        async with viewers as watching_now:
            await asyncio.sleep(random.Random(seed).uniform(0, 1))
            await watching_now.begin()
            _set(world, seconds)
            await asyncio.sleep(AFTER_S)
            window = await watching_now.end()
            moved = await asyncio.to_thread(_time_of, server) - taken
        assert window.packets > 0, "nothing came"
        assert abs(moved - seconds) < 60, f"the clock moved by {moved:.0f} s"
        return Measured(
            {
                "packets lost by viewers": window.lost,
                "sessions ended": window.closed,
                "publisher sessions more": len(phone.events("live")) - 1,
            },
            f"the server's clock moved by {moved:.0f} s",
        )

    return asyncio.run(run())


def hls(world: World, seed: int, seconds: int) -> Measured:
    """What HLS makes of it: numbers go on by one, and new segments keep coming."""
    server = _server(world)
    world.phone(server)
    server.await_segments(CHANNEL, 2)
    time.sleep(random.Random(seed).uniform(0, 1))
    before, began = sequence(server), _time_of(server)
    _set(world, seconds)
    time.sleep(AFTER_S)
    after, moved = sequence(server), _time_of(server) - began
    assert abs(moved - seconds) < 60, f"the clock moved by {moved:.0f} s"
    return Measured(
        {
            "holes in HLS numbers": holes(before) + holes(after) + (after[-1] < before[-1]),
            "new segments in 10 s": after[-1] - before[-1],
        }
    )


def _time_of(server: SluiceServer) -> float:
    """Unix seconds by the server's clock."""
    answer = server.request("GET", "/api/time")
    assert isinstance(answer, dict)
    return float(answer["now_ms"]) / 1_000


ROWS = tuple(
    row
    for text, seconds in (("forward", HOUR_S), ("back", -HOUR_S))
    for row in (
        Row(
            f"clock jumps 1 h {text}",
            FAMILY,
            (
                Target("packets lost by viewers", 0),
                Target("sessions ended", 0),
                Target("publisher sessions more", 0),
            ),
            partial(jump, seconds=seconds),
        ),
        Row(
            f"clock jumps 1 h {text}, HLS",
            FAMILY,
            (
                Target("holes in HLS numbers", 0),
                Target("new segments in 10 s", 3, least=True),
            ),
            partial(hls, seconds=seconds),
        ),
    )
)
