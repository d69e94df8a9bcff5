"""Keeps a media plane running: starts its process, watches it, and starts another when it dies.

A process that exits, is killed, talks nonsense or is silent (see `pulse`) is ended for good with
SIGKILL and replaced, the first time at once. For that, another one waits in reserve: a program
takes some tenths of a second to load, and much longer on a machine at its limit. A first start
that does not work, say on a port that is taken, is the caller's trouble, and not tried again.
"""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

import structlog

from sfu.plane.line import Line
from sfu.plane.process import PlaneProcess, spawn
from sfu.plane.pulse import LOOK_S, Backoff, Pulse
from sfu.plane.wire import (
    FROM_PLANE,
    Beat,
    CannotStart,
    FromPlane,
    Start,
    Started,
    Stop,
    ToPlane,
    WireError,
)

log = structlog.get_logger(__name__)

STOP_S: Final = 3.0
"""For an orderly end."""
LAST_WORDS_S: Final = 1.0
"""For the end of one that hung up by itself."""
RESERVE_S: Final = 1.0
"""So long after a start, one is put in reserve: at first there is more important work."""
ROOM_BYTES: Final = 16 << 20
"""What may wait for a process that takes nothing."""


class Front(Protocol):
    """Who uses the media plane."""

    def greeting(self) -> Start:
        """What the next process is to know."""
        ...

    def up(self, started: Started) -> None:
        """It runs, and takes messages."""
        ...

    def hear(self, message: FromPlane) -> None:
        """It says something. May raise WireError."""
        ...

    def down(self) -> None:
        """It is gone, and all that lived there; called once after each `up`."""
        ...


class Supervisor:
    """All calls from the event loop's thread."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._backoff = Backoff()
        self._pulse = Pulse()
        self._task: asyncio.Task[None] | None = None
        self._filling: asyncio.Task[None] | None = None
        self._reserve: PlaneProcess | None = None
        self._first: asyncio.Future[None] | None = None
        self._over: asyncio.Future[str] | None = None
        self._line: Line[FromPlane] | None = None
        self._stopping = False
        self._hung = False
        self.up = False
        """It takes calls."""
        self.pid: int | None = None
        """Of the process; None while none runs."""
        self.exit_status: int | None = None
        """Of the last one that ended; negative: by this signal."""
        self.restarts = 0
        """Processes that died after the first one had started."""

    async def start(self) -> None:
        """Returns when the first process runs. Raises OSError when it cannot."""
        self._first = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._supervise(), name="media-plane")
        await self._first

    async def stop(self) -> None:
        """End the process, in order if it still can. Idempotent."""
        self._stopping = True
        if self._task is None:
            return
        if self.up:
            self.send(Stop())
            await asyncio.wait({self._task}, timeout=STOP_S)
            self._hung = True  # or gone already
        task, self._task = self._task, None
        tasks = [task] if self._filling is None else [task, self._filling]
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._first is not None:
            self._first.cancel()
        reserve, self._reserve = self._reserve, None
        if reserve is not None:
            await reserve.discard()

    def send(self, message: ToPlane) -> bool:
        """False when there is nobody to take it. Never waits."""
        if not self.up or self._line is None or self._line.waiting > ROOM_BYTES:
            return False
        self._line.send(message)
        return True

    # --- inside

    async def _supervise(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            reason = await self._live()
            if self._stopping:
                return
            if self._first is not None and not self._first.done():
                self._first.set_exception(OSError(reason))
                return
            wait_s = self._backoff.died(loop.time() - began)
            self.restarts += 1
            log.error(
                "the media plane died and is started again",
                reason=reason,
                exit_status=self.exit_status,
                wait_s=wait_s,
                restarts=self.restarts,
            )
            await asyncio.sleep(wait_s)

    async def _live(self) -> str:
        """One process, from start to end. Returns what it died of."""
        try:
            process = await self._next()
        except OSError as error:
            return f"it does not start: {error}"
        self.pid, self._hung = process.pid, False
        try:
            return await self._talk(process)
        finally:
            self.pid = None
            self._hang_up()
            patience_s = 0.0 if self._hung else LAST_WORDS_S
            self.exit_status = await process.end(patience_s)

    async def _next(self) -> PlaneProcess:
        filling, self._filling = self._filling, None
        if filling is not None:
            filling.cancel()
            await asyncio.gather(filling, return_exceptions=True)
        reserve, self._reserve = self._reserve, None
        if reserve is None:
            return await spawn()
        if reserve.runs:
            return reserve
        await reserve.discard()
        return await spawn()

    async def _fill_reserve(self) -> None:
        await asyncio.sleep(RESERVE_S)
        try:
            self._reserve = await spawn()
        except OSError as error:
            log.warning("no media plane in reserve", reason=str(error))

    async def _talk(self, process: PlaneProcess) -> str:
        loop = asyncio.get_running_loop()
        self._over = loop.create_future()
        self._pulse = Pulse()
        self._line = line = Line(FROM_PLANE, self._hear, self._ended)
        await loop.create_connection(lambda: line, sock=process.ours)
        line.send(self._front.greeting())
        watching = asyncio.create_task(self._watch(), name="media-plane-watch")
        try:
            return await self._over
        finally:
            watching.cancel()

    def _hang_up(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.abort()
        if self.up:
            self.up = False
            self._front.down()

    def _hear(self, message: FromPlane) -> None:
        if self._over is None or self._over.done():
            return
        match message:
            case Started() if not self.up:
                self._pulse.started()
                self.up = True
                self._filling = asyncio.create_task(
                    self._fill_reserve(), name="media-plane-reserve"
                )
                self._front.up(message)
                if self._first is not None and not self._first.done():
                    self._first.set_result(None)
            case CannotStart(detail) if not self.up:
                self._ended(detail)
            case Beat(workers_ms) if self.up:
                self._pulse.beat(workers_ms / 1_000)
                self._front.hear(message)
            case _ if self.up:
                self._front.hear(message)
            case _:
                raise WireError("it talks before its start")

    def _ended(self, reason: str) -> None:
        if self._over is not None and not self._over.done():
            self._over.set_result(reason)

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        before = loop.time()
        while True:
            await asyncio.sleep(LOOK_S)
            now = loop.time()
            trouble = self._pulse.look(now - before)
            before = now
            if trouble is not None:
                self._hung = True
                self._ended(trouble)
