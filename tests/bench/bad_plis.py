"""Viewers that ask for a keyframe ten times a second each, whatever they have."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Final

from sfu.native import LoadViewers
from tests.bench.bad_http import Caller
from tests.bench.bad_offers import SDP
from tests.bench.bad_plan import Found, Plan, addresses, found, in_turn

VIEWERS: Final = 100
PER_S: Final = 10.0
ADDRESSES: Final = 10
JOIN_S: Final = 0.05
"""Between two of them."""
AGAIN_S: Final = 1.0


async def _run(plan: Plan) -> Found:
    outcomes: Counter[str] = Counter()
    end = time.monotonic() + plan.seconds
    count = plan.part(VIEWERS)
    # Only who is checked in full sends RTCP.
    load = LoadViewers(
        bind=addresses("plis", 1)[0],
        max_viewers=count + 1,
        verify_every=1,
        pli_per_second=PER_S,
        data_channel=False,
        twcc=False,
    )
    callers = [Caller(address, plan.host, plan.port) for address in addresses("plis", ADDRESSES)]
    turns = in_turn("plis", ADDRESSES)
    by_address = dict(zip(addresses("plis", ADDRESSES), callers, strict=True))
    try:
        joined = 0
        while joined < count and time.monotonic() < end:
            caller = by_address[next(turns)]
            if await _join(load, caller, plan.channel, outcomes):
                joined += 1
                await asyncio.sleep(JOIN_S)
            else:
                await asyncio.sleep(AGAIN_S)
        await asyncio.sleep(max(0.0, end - time.monotonic()))
        report = load.report()
        outcomes["sent"] = report.plis
        outcomes["viewers that were in at the end"] = report.connected
        outcomes["viewers that the server ended"] = report.closed
    finally:
        load.stop()
        for caller in callers:
            caller.close()
    return found(outcomes)


async def _join(load: LoadViewers, caller: Caller, channel: str, outcomes: Counter[str]) -> bool:
    viewer, offer = load.offer()
    try:
        answer = await caller.ask("POST", f"/whep/{channel}", offer.encode(), SDP)
    except (OSError, EOFError) as error:
        outcomes[f"join: {type(error).__name__}"] += 1
        load.remove(viewer)
        return False
    outcomes[f"join: {answer.status}"] += 1
    if answer.status != 201:
        load.remove(viewer)
        return False
    load.answer(viewer, answer.body.decode())
    return True


def run(plan: Plan) -> Found:
    """Join as fast as the server lets them, and stay until the plan's end."""
    return asyncio.run(_run(plan))
