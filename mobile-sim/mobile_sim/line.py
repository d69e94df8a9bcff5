"""The line to the server: sessions one after the other until told to stop.

A path that is dead is replaced by an ICE restart within the session, where the server can do that.
What ends all the same is begun again after a jittered wait; a refusal that cannot change ends all.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from aiortc import RTCIceServer

from mobile_sim.backoff import delay_s
from mobile_sim.network import Silence
from mobile_sim.pace import Clock
from mobile_sim.phone import Connection, ConnectionLost, ConnectionStats
from mobile_sim.whip import Refused, Session, Unreachable, WhipClient

CONFLICT = 409
TICK_S = 1.0
LOOK_S = 0.25
"""Whether it still lives is asked more often than it reports."""
SETTLED_S = 5.0
"""A connection that lived this long was a success: the backoff starts anew."""
RESTART_S = 25.0
"""An ICE restart is tried so long. Consent to send ends 30 s after the last sign (RFC 7675)."""


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
class Restarting:
    """The path is dead; ICE looks for another within the session. `attempt` counts from 0."""

    reason: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Restarted:
    """Media flows again in the same session."""

    took_ms: int
    """Since the path was found dead."""
    by_itself: bool
    """The old path came back before there was another."""


@dataclass(frozen=True, slots=True)
class Retrying:
    """It did not work, or no longer. The next attempt follows."""

    reason: str
    wait_ms: int


@dataclass(frozen=True, slots=True)
class EndFailed:
    """The server could not be told that a session is over; it will notice by itself."""

    reason: str


LineEvent = Connecting | Live | Restarting | Restarted | Retrying | EndFailed
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
        self._hurry = asyncio.Event()
        self._open: Session | None = None
        """The last session, until the server has been told that it is over."""

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

    def network_is_back(self) -> None:
        """End a wait for the next attempt: a phone is told when it has a network again."""
        self._hurry.set()

    async def _work(self) -> None:
        try:
            while True:
                self._report(Connecting(self._attempt))
                retry_after: float | None = None
                try:
                    await self._session()
                except Refused as error:
                    if error.final:
                        raise
                    reason, retry_after = str(error), error.retry_after_s
                    if error.status == CONFLICT:
                        await self._end()  # perhaps it is ours that is in the way
                except (ConnectionLost, Unreachable) as error:
                    reason = str(error)
                wait = delay_s(self._attempt, self._rng, retry_after)
                self._attempt += 1
                self._report(Retrying(reason, round(wait * 1000)))
                await self._pause(wait)
        finally:
            await self._end()

    async def _pause(self, seconds: float) -> None:
        self._hurry.clear()
        sleep = asyncio.ensure_future(self._clock.sleep(seconds))
        hurry = asyncio.ensure_future(self._hurry.wait())
        try:
            await asyncio.wait({sleep, hurry}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleep.cancel()
            hurry.cancel()

    async def _session(self) -> None:
        """One session from offer to end. Always raises: it ends by an error or by being stopped."""
        began = self._clock.monotonic()
        connection = self._dial(self._ice_servers)
        try:
            session = await self._client.post(await connection.offer())
            # Not sooner: a server that is told of the end ends the broadcast, while one that gets
            # another session for it lets viewers go on.
            await self._end()
            self._open = session
            self._ice_servers = session.ice_servers
            await connection.connect(session.answer)
            live = self._clock.monotonic()
            self._report(Live(session.url, round((live - began) * 1000)))
            await self._follow(connection, session, live)
        except asyncio.CancelledError:
            await self._end()
            raise
        finally:
            await connection.close()

    async def _end(self) -> None:
        """Tell the server that the last session is over, unless it was told."""
        session, self._open = self._open, None
        if session is None:
            return
        try:
            await self._client.delete(session)
        except (Refused, Unreachable) as error:
            self._report(EndFailed(str(error)))

    async def _follow(self, connection: C, session: Session, live: float) -> None:
        silence = Silence()
        due = live + TICK_S
        while True:
            reason = await connection.wait_lost(LOOK_S)
            now = self._clock.monotonic()
            if now - live > SETTLED_S:
                self._attempt = 0
            if reason is not None:
                raise ConnectionLost(reason)
            dead = "the phone has another address" if connection.take_change() else None
            if dead is None:
                stats = await connection.stats()
                if now >= due:
                    due = now + TICK_S
                    self._tick(connection, stats)
                if silence.feed(now, stats.packets_received):
                    dead = "the server has gone silent"
                elif silence.doubts(now) and await self._client.is_gone(session):
                    raise ConnectionLost("the server knows the session no more")
            if dead is not None:
                session = await self._restart(connection, session, dead)
                silence = Silence()

    async def _restart(self, connection: C, session: Session, reason: str) -> Session:
        """Find another path for the session. Raises ConnectionLost when there is none in time."""
        if session.etag is None:  # RFC 9725 section 4.3.1: it takes no PATCH
            raise ConnectionLost(reason)

        async def exchange(fragment: str) -> str:
            nonlocal session
            session, answer = await self._client.restart_ice(session, fragment)
            return answer

        began = self._clock.monotonic()
        heard = (await connection.stats()).packets_received
        for attempt in itertools.count():
            self._report(Restarting(reason, attempt))
            by_itself = False
            try:
                await connection.restart(exchange)
            except Refused as error:
                raise ConnectionLost(
                    f"{reason}, and the ICE restart was refused: {error}"
                ) from error
            except Unreachable as error:
                wait = delay_s(attempt, self._rng)
                if self._clock.monotonic() - began + wait > RESTART_S:
                    raise ConnectionLost(f"{reason}, and {error}") from error
                await self._pause(wait)
                if (lost := await connection.wait_lost(0)) is not None:  # consent, above all
                    raise ConnectionLost(lost) from error
                by_itself = (await connection.stats()).packets_received > heard
                if not by_itself:
                    continue
            took = self._clock.monotonic() - began
            self._report(Restarted(round(took * 1000), by_itself))
            return session
        raise AssertionError("a count has no end")
