"""The line to the server: sessions one after the other until told to stop.

What ends by accident is begun again after a jittered wait; a refusal that cannot change ends all.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from aiortc import RTCIceServer

from mobile_sim.backoff import delay_s
from mobile_sim.network import Silence
from mobile_sim.pace import Clock
from mobile_sim.phone import Connection, ConnectionLost, ConnectionStats
from mobile_sim.whip import Refused, Unreachable, WhipClient

TICK_S = 1.0
SETTLED_S = 5.0
"""A connection that lived this long was a success: the backoff starts anew."""


@dataclass(frozen=True, slots=True)
class Connecting:
    """An offer is being made; `attempt` counts from 0 since the last success."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Live:
    """ICE and DTLS are done; media flows."""

    session: str
    connect_ms: int
    """From the making of the offer until now."""


@dataclass(frozen=True, slots=True)
class Retrying:
    """It did not work, or no longer. The next attempt follows."""

    reason: str
    wait_ms: int


@dataclass(frozen=True, slots=True)
class EndFailed:
    """The server could not be told that a session is over; it will notice by itself."""

    reason: str


LineEvent = Connecting | Live | Retrying | EndFailed
C = TypeVar("C", bound=Connection)


class Line(Generic[C]):
    """Keeps one connection to one endpoint alive."""

    def __init__(
        self,
        client: WhipClient,
        dial: Callable[[Sequence[RTCIceServer]], C],
        tick: Callable[[C, ConnectionStats], None],
        report: Callable[[LineEvent], None],
        clock: Clock,
        rng: random.Random,
    ) -> None:
        """`dial` makes a connection; `tick` gets it and its figures once a second."""
        self._client = client
        self._dial = dial
        self._tick = tick
        self._report = report
        self._clock = clock
        self._rng = rng
        self._attempt = 0
        self._ice_servers: Sequence[RTCIceServer] = ()

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set; the session is then ended with DELETE.

        Raises Refused when the server says no for good (a wrong key, above all).
        """
        work = asyncio.create_task(self._work())
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            work.cancel()
            await asyncio.wait({work})
        if not work.cancelled():
            work.result()

    async def _work(self) -> None:
        while True:
            self._report(Connecting(self._attempt))
            retry_after: float | None = None
            try:
                await self._session()
            except Refused as error:
                if error.final:
                    raise
                reason, retry_after = str(error), error.retry_after_s
            except (ConnectionLost, Unreachable) as error:
                reason = str(error)
            wait = delay_s(self._attempt, self._rng, retry_after)
            self._attempt += 1
            self._report(Retrying(reason, round(wait * 1000)))
            await self._clock.sleep(wait)

    async def _session(self) -> None:
        """One session from offer to end. Always raises: it ends by an error or by being stopped."""
        began = self._clock.monotonic()
        connection = self._dial(self._ice_servers)
        try:
            session = await self._client.post(await connection.offer())
            self._ice_servers = session.ice_servers
            try:
                await connection.connect(session.answer)
                live = self._clock.monotonic()
                self._report(Live(session.url, round((live - began) * 1000)))
                await self._follow(connection, live)
            finally:
                try:
                    await self._client.delete(session)
                except (Refused, Unreachable) as error:
                    self._report(EndFailed(str(error)))
        finally:
            await connection.close()

    async def _follow(self, connection: C, live: float) -> None:
        silence = Silence()
        while True:
            reason = await connection.wait_lost(TICK_S)
            now = self._clock.monotonic()
            if now - live > SETTLED_S:
                self._attempt = 0
            if reason is not None:
                raise ConnectionLost(reason)
            stats = await connection.stats()
            self._tick(connection, stats)
            if silence.feed(now, stats.packets_received):
                raise ConnectionLost("the server has gone silent")
