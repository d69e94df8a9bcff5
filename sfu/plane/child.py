"""The media plane's own process: an engine, and the line to the front process.

It lives as long as the line does. What it is asked runs at the same time, as it would inside the
front process; events leave in order, before the next is looked at. While the front process takes
nothing, taps lose their oldest units and count them, and nothing else waits for it.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final, Protocol, TypeVar

import structlog

from sfu.engine import Accepted, Engine, EngineBusy, OfferRefused, PeerStats, Tap
from sfu.layers import LayerSelector
from sfu.plane.line import Line
from sfu.plane.wire import (
    LONGEST,
    TO_PLANE,
    Beat,
    Busy,
    Call,
    Candidate,
    CannotStart,
    CloseTap,
    Counted,
    Figures,
    Offer,
    OpenTap,
    Refused,
    Remove,
    RestartIce,
    Select,
    SendData,
    Start,
    Started,
    Stats,
    Stop,
    ToPlane,
    Units,
    WantKeyframes,
    WireError,
    happened,
    moved,
    reply,
)
from sluice import memory
from sluice.config import MediaConfig
from sluice.ids import PeerId
from sluice.media import AccessUnit
from sluice.tasks import Tasks

log = structlog.get_logger(__name__)

BEAT_S: Final = 0.5
BATCH_BYTES: Final = 1 << 20
"""Units of one message: about so much, or one unit."""
LONGEST_UNIT: Final = LONGEST // 2


Moved = TypeVar("Moved", Accepted, PeerStats)


class Hosted(Engine, LayerSelector, Protocol):
    """An engine that can be asked whether it is alive all through."""

    async def workers_answer(self) -> bool:
        """Whether every media thread gave an answer soon."""
        ...


async def live(connection: socket.socket, make: Callable[[MediaConfig], Hosted]) -> None:
    """Until the front process hangs up or says stop. It is told nonsense: the same."""
    child = _Child(make)
    loop = asyncio.get_running_loop()
    line = Line(TO_PLANE, child.hear, child.hung_up)
    await loop.create_connection(lambda: line, sock=connection)
    await child.run(line)


class _Child:
    def __init__(self, make: Callable[[MediaConfig], Hosted]) -> None:
        self._make = make
        self._start: asyncio.Future[Start | None] = asyncio.get_running_loop().create_future()
        self._over = asyncio.Event()
        self._tasks = Tasks()
        self._taps: dict[int, Tap] = {}
        self._answered_s = 0.0

    def hear(self, message: ToPlane) -> None:
        if isinstance(message, Start):
            if self._start.done():
                raise WireError("a second start")
            self._start.set_result(message)
        elif not self._start.done():
            raise WireError("no start")
        elif isinstance(message, Stop):
            self._over.set()
        else:
            self._take(message)

    def hung_up(self, reason: str) -> None:
        if not self._start.done():
            self._start.set_result(None)
        elif not self._over.is_set():
            log.warning("the line to the front process ended", reason=reason)
        self._over.set()

    async def run(self, line: Line[ToPlane]) -> None:
        start = await self._start
        if start is None:
            return
        self._line = line
        self._first_peer = start.first_peer
        self._engine = engine = self._make(MediaConfig.model_validate_json(start.config))
        try:
            await engine.start()
        except OSError as error:
            line.send(CannotStart(str(error)))
            line.close()
            await line.gone.wait()
            return
        self._answered_s = asyncio.get_running_loop().time()
        line.send(Started(list(engine.candidates)))
        telling = self._tasks.spawn(self._tell(), "plane-events")
        telling.add_done_callback(
            lambda _: self._over.set()
        )  # without it, all this is worth nothing
        self._tasks.spawn(self._ask_workers(), "plane-workers")
        self._tasks.spawn(self._beat(), "plane-beat")
        memory.settle()
        await self._over.wait()
        await engine.stop()
        await asyncio.wait({telling})
        line.close()
        await line.gone.wait()
        await self._tasks.close()

    # --- what it is told

    def _take(self, message: Call | OpenTap | CloseTap | WantKeyframes) -> None:
        if self._over.is_set():
            return
        match message:
            case OpenTap(tap, channel, limit):
                opened = self._engine.open_tap(channel, limit)
                self._taps[tap] = opened
                self._tasks.spawn(self._pump(tap, opened), "plane-tap")
            case CloseTap(tap):
                closing = self._taps.pop(tap, None)
                if closing is not None:
                    closing.close()
            case WantKeyframes(channel):
                self._engine.want_keyframes(channel)
            case _:
                self._tasks.spawn(self._answer(message), "plane-call")

    async def _answer(self, call: Call) -> None:
        try:
            value = await self._asked(call)
        except OfferRefused as refused:
            self._line.send(Refused(call.call, refused.code, refused.detail))
        except EngineBusy as busy:
            self._line.send(Busy(call.call, str(busy)))
        except Exception as error:
            # Who waits must hear something; the task's failure is logged as any other.
            self._line.send(Busy(call.call, f"{type(error).__name__} in the media plane"))
            raise
        else:
            self._line.send(reply(call.call, value))

    async def _asked(self, call: Call) -> object:
        engine = self._engine
        match call:
            case Offer(_, role, channel, sdp):
                add = engine.add_publisher if role == "publisher" else engine.add_viewer
                return self._moved(await add(channel, sdp))
            case RestartIce(_, peer, remote):
                return await engine.restart_ice(self._own(peer), remote)
            case Candidate(_, peer, candidate):
                return await engine.add_candidate(self._own(peer), candidate)
            case Remove(_, peer):
                return await engine.remove(self._own(peer))
            case Select(_, peer, wish):
                return await engine.select_layer(self._own(peer), wish)
            case Stats(_, peer):
                stats = await engine.peer_stats(self._own(peer))
                return None if stats is None else self._moved(stats)
            case Figures():
                return Counted(await engine.totals(), dict(await engine.histograms()))
            case SendData(_, peers, label, payload, binary):
                known = {self._own(peer): peer for peer in peers}
                refused = await engine.send_data_many(list(known), label, payload, binary)
                gone = [peer for peer in peers if peer <= self._first_peer]
                return gone + [known[peer] for peer in refused if peer > 0]

    def _own(self, peer: PeerId) -> PeerId:
        """Its number here. Those of processes before this one are numbers that nobody has."""
        return PeerId(max(0, peer - self._first_peer))

    def _moved(self, of: Moved) -> Moved:
        return replace(of, peer=PeerId(of.peer + self._first_peer))

    # --- what it tells

    async def _tell(self) -> None:
        async for event in self._engine.events():
            self._line.send(happened(moved(event, self._first_peer)))
            await self._line.ready()

    async def _pump(self, number: int, tap: Tap) -> None:
        async for units in tap:
            for batch in batches(units):
                self._line.send(Units(number, tap.dropped, batch))
                await self._line.ready()

    async def _ask_workers(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            if await self._engine.workers_answer():
                self._answered_s = loop.time()
            await asyncio.sleep(BEAT_S)

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            silent_ms = round((loop.time() - self._answered_s) * 1_000)
            engine = self._engine
            counted = Counted(await engine.totals(), dict(await engine.histograms()))
            self._line.send(Beat(silent_ms, counted))
            await asyncio.sleep(BEAT_S)


def batches(units: Sequence[AccessUnit]) -> Iterator[list[AccessUnit]]:
    """The same units in messages of a fair size."""
    batch: list[AccessUnit] = []
    size = 0
    for unit in units:
        if len(unit.payload) > LONGEST_UNIT:
            log.warning("an access unit is too long to be passed on", size=len(unit.payload))
            continue
        if batch and size + len(unit.payload) > BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(unit)
        size += len(unit.payload)
    if batch:
        yield batch
