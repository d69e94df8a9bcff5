"""The viewer reads what it sees."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from mobile_sim.line import Connecting, Live, Retrying
from mobile_sim.viewing import Report
from mobile_sim.watch import WatchEvent, watch
from mobile_sim.whip import Refused
from tests.mobile_sim.far_end import KEY, FarEnd


@pytest.fixture
async def far_end() -> AsyncIterator[FarEnd]:
    far_end = FarEnd()
    await far_end.start()
    yield far_end
    await far_end.stop()


async def test_it_measures_a_clean_stream_and_leaves_politely(far_end: FarEnd) -> None:
    events: list[WatchEvent] = []
    stop = asyncio.Event()

    def report(event: WatchEvent) -> None:
        events.append(event)
        if isinstance(event, Report) and event.frames >= 10:
            stop.set()

    total = await asyncio.wait_for(
        watch(f"{far_end.url}/whep/demo", KEY, stop, report, rng=random.Random(1)), 30
    )
    assert [type(event) for event in events[:2]] == [Connecting, Live]
    assert total.frames >= 10
    assert (total.lost, total.unreadable, total.repeated, total.breaks) == (0, 0, 0, 0)
    assert total.latency_ms_p50 is not None
    assert far_end.deleted == ["1"]


async def test_a_channel_that_is_not_live_is_waited_for(far_end: FarEnd) -> None:
    far_end.refusals = [lambda request: web.Response(status=409, headers={"Retry-After": "0"})]
    events: list[WatchEvent] = []
    stop = asyncio.Event()

    def report(event: WatchEvent) -> None:
        events.append(event)
        if isinstance(event, Live):
            stop.set()

    await asyncio.wait_for(
        watch(f"{far_end.url}/whep/demo", KEY, stop, report, rng=random.Random(1)), 30
    )
    assert [type(event) for event in events] == [Connecting, Retrying, Connecting, Live]


async def test_a_wrong_token_is_final(far_end: FarEnd) -> None:
    with pytest.raises(Refused, match="401"):
        await watch(f"{far_end.url}/whep/demo", "wrong", asyncio.Event(), lambda event: None)
