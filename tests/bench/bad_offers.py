"""WHEP offers of viewers that never come: each makes the server hold a peer for some seconds."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Final

from sfu.native import LoadViewers
from tests.bench.bad_http import Caller
from tests.bench.bad_plan import Found, Plan, addresses, found

PER_S: Final = 10_000 / 60
"""So 10,000 in a minute."""
ADDRESSES: Final = 50
GREEDY: Final = 2
"""Every so-many-th offer comes from one and the same address, beyond what one may send; the
others share the rest, and stay below it."""
GREEDY_LINES: Final = 10
AT_ONCE: Final = 100
SDP: Final = {"Content-Type": "application/sdp"}


def offer() -> bytes:
    """Of a real client, which is gone then."""
    load = LoadViewers(data_channel=False)
    try:
        return load.offer()[1].encode()
    finally:
        load.stop()


class Line:
    """One connection: its requests take turns."""

    def __init__(self, name: str, caller: Caller) -> None:
        self.name, self.caller = name, caller
        self.turn = asyncio.Lock()


class Offers:
    """All that are sent, and how the server answered."""

    def __init__(self, plan: Plan, sdp: bytes) -> None:
        self._path = f"/whep/{plan.channel}"
        self._sdp = sdp

        def line(name: str, address: str) -> Line:
            return Line(name, Caller(address, plan.host, plan.port))

        greedy, *others = addresses("offers", ADDRESSES)
        self._greedy = [line("one address", greedy) for _ in range(GREEDY_LINES)]
        self._others = [line(f"{len(others)} addresses", address) for address in others]
        self._free = asyncio.Semaphore(AT_ONCE)
        self.outcomes: Counter[str] = Counter()

    async def send(self, rate: float, seconds: float) -> None:
        """`rate` a second, whatever the answers are, as long as answers come."""
        start, number = time.monotonic(), 0
        async with asyncio.TaskGroup() as work:
            while (elapsed := time.monotonic() - start) < seconds:
                while number < elapsed * rate:
                    await self._free.acquire()
                    work.create_task(self._one(number))
                    number += 1
                await asyncio.sleep(0.01)

    def close(self) -> None:
        for one in (*self._greedy, *self._others):
            one.caller.close()

    async def _one(self, number: int) -> None:
        lines = self._greedy if number % GREEDY == 0 else self._others
        line = lines[number // GREEDY % len(lines)]
        try:
            async with line.turn:
                answer = await line.caller.ask("POST", self._path, self._sdp, SDP)
        except (OSError, EOFError) as error:
            self.outcomes[f"{line.name}: {type(error).__name__}"] += 1
        else:
            self.outcomes[f"{line.name}: {answer.status}"] += 1
        finally:
            self._free.release()


async def _run(plan: Plan) -> Found:
    offers = Offers(plan, offer())
    try:
        await offers.send(PER_S * plan.scale, plan.seconds)
    finally:
        offers.close()
    return found(offers.outcomes)


def run(plan: Plan) -> Found:
    """At a steady rate until the plan's end."""
    return asyncio.run(_run(plan))
