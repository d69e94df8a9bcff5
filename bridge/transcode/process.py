"""Starts the transcode process of one broadcast, feeds it, and starts it again when it dies.

    process = TranscodeProcess(plan, on_message, on_died)
    process.start(); process.feed(unit); process.plan(other); process.reset()
    process.end(until_us); await process.stop()

Nothing here waits for the process: what it cannot take in time is left out up to the next
keyframe. A process that says nothing for ten seconds is ended and counts as dead.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

import bridge
from bridge.transcode.outbox import Outbox
from bridge.transcode.sandbox import MEMORY_BYTES
from bridge.transcode.wire import (
    FROM_CHILD,
    End,
    FromChild,
    Plan,
    Reset,
    Status,
    ToChild,
    Trouble,
    Unit,
    Unpacker,
    WireError,
    packed,
)

log = structlog.get_logger(__name__)

BACKOFF_S: Final = (0.2, 0.5, 1.0, 2.0)
STEADY_S: Final = 30.0
"""A life of so long, and the next death counts as the first."""
SILENCE_S: Final = 10.0
ASK_S: Final = 1.0
GOODBYE_S: Final = 0.3
"""For the exit code and the last words of one that hung up."""
READ_BYTES: Final = 1 << 18
ROOM_BYTES: Final = 1 << 18
"""On their way in the socket, at most about so many."""
MOST_LINES: Final = 20
"""Of its standard error, a life: a hostile stream must not fill the log."""
LINE_BYTES: Final = 500
KEPT_VARIABLES: Final = ("PATH", "LD_LIBRARY_PATH", "LANG", "CUDA_VISIBLE_DEVICES")
"""Of the environment. The rest may hold secrets, and is no business of a decoder."""


class TranscodeProcess:
    """Owned by one broadcast; all calls from its event loop's thread."""

    def __init__(
        self,
        plan: Plan | None,
        on_message: Callable[[FromChild], None],
        on_died: Callable[[], None],
        memory_bytes: int = MEMORY_BYTES,
    ) -> None:
        self._plan = plan
        self._on_message = on_message
        self._on_died = on_died
        self._memory_bytes = memory_bytes
        self._outbox = Outbox()
        self._woken = asyncio.Event()
        self._supervisor: asyncio.Task[None] | None = None
        self._asked_s: float | None = None
        self.pid: int | None = None
        """None while none runs."""
        self.deaths = 0
        self.status: Status | None = None
        """The newest sign of life."""

    @property
    def dropped(self) -> int:
        """Units that never reached it."""
        return self._outbox.dropped

    def start(self) -> None:
        """It starts while you go on; what is fed meanwhile waits."""
        if self._supervisor is None:
            self._supervisor = asyncio.create_task(self._supervise(), name="transcode")

    async def stop(self) -> None:
        """End it; returns when it is gone. Idempotent."""
        if self._supervisor is None:
            return
        self._supervisor.cancel()
        await asyncio.gather(self._supervisor, return_exceptions=True)
        self._supervisor = None

    def plan(self, plan: Plan) -> None:
        """Make this from now on, beginning with keyframes."""
        first, self._plan = self._plan is None, plan
        if not first:
            self._put(plan)
        self._woken.set()

    def feed(self, unit: Unit) -> None:
        """Never waits, never fails."""
        self._put(unit)

    def reset(self) -> None:
        """What comes next has nothing to do with what came before."""
        self._put(Reset())

    def end(self, until_us: int) -> None:
        """Nothing more comes: `Ended` is said when all was given back. See the wire's `End`."""
        self._put(End(until_us))

    def _put(self, message: ToChild) -> None:
        if not self._outbox.put(message):
            self._ask()
        self._woken.set()

    def _ask(self) -> None:
        """For a keyframe, once a second at most."""
        now_s = asyncio.get_running_loop().time()
        if self._asked_s is None or now_s - self._asked_s >= ASK_S:
            self._asked_s = now_s
            log.warning("units do not reach the transcode process", dropped=self.dropped)
            self._on_message(Trouble("keyframe-wanted", 1, "units were left out"))

    async def _supervise(self) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            began = loop.time()
            reason = await self._live()
            if loop.time() - began >= STEADY_S:
                failures = 0
            self.deaths += 1
            self._outbox.begin_anew()
            log.warning("a transcode process died", reason=reason, deaths=self.deaths)
            self._on_died()
            await asyncio.sleep(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])
            failures += 1

    async def _live(self) -> str:
        """One process, from start to end. Returns what it died of."""
        ours, theirs = socket.socketpair()
        spawning = asyncio.create_task(self._spawn(theirs))
        try:
            process = await asyncio.shield(spawning)
        except OSError as error:
            ours.close()
            return f"it does not start: {error}"
        except asyncio.CancelledError:
            # Half begun, it could not be ended; hung up on, it ends by itself.
            ours.close()
            with contextlib.suppress(OSError):
                await _end(await spawning, None, [])
            raise
        finally:
            theirs.close()
        self.pid = process.pid
        writer: asyncio.StreamWriter | None = None
        talk: list[asyncio.Task[None]] = []
        try:
            reader, writer = await asyncio.open_connection(sock=ours)
            writer.transport.set_write_buffer_limits(high=ROOM_BYTES)
            assert process.stderr is not None
            talk = [
                asyncio.create_task(self._receive(reader)),
                asyncio.create_task(self._send(writer)),
                asyncio.create_task(_log_lines(process.stderr)),
            ]
            await asyncio.wait(talk[:2], return_when=asyncio.FIRST_COMPLETED)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.gather(process.wait(), talk[2]), GOODBYE_S)
            reasons = [str(task.exception()) for task in talk if _failed(task)]
            return "; ".join(reasons) or f"exit code {process.returncode}"
        finally:
            self.pid = None
            if writer is None:
                ours.close()
            await _end(process, writer, talk)

    async def _spawn(self, theirs: socket.socket) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "bridge.transcode",
            *(str(number) for number in (theirs.fileno(), self._memory_bytes, os.getpid())),
            pass_fds=(theirs.fileno(),),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=_environment(),
        )

    async def _receive(self, reader: asyncio.StreamReader) -> None:
        unpacker = Unpacker(FROM_CHILD)
        while True:
            # Before the first plan it is silent, and right so.
            patience = SILENCE_S if self._plan is not None else None
            try:
                async with asyncio.timeout(patience):
                    data = await reader.read(READ_BYTES)
            except TimeoutError:
                raise WireError("it is silent") from None
            if not data:
                return
            for message in unpacker.feed(data):
                if isinstance(message, Status):
                    self.status = message
                else:
                    self._on_message(message)

    async def _send(self, writer: asyncio.StreamWriter) -> None:
        while self._plan is None:
            await self._woken.wait()
            self._woken.clear()
        sent = self._plan
        writer.write(packed(sent))
        while True:
            for message in self._outbox.take():
                if message is sent:
                    continue
                writer.write(packed(message))
            await writer.drain()
            self._woken.clear()
            if not len(self._outbox):
                await self._woken.wait()


async def _end(
    process: asyncio.subprocess.Process,
    writer: asyncio.StreamWriter | None,
    talk: list[asyncio.Task[None]],
) -> None:
    if writer is not None:
        writer.close()
    if process.returncode is None:
        # Not `process.kill`: that would take the exit code away from asyncio.
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    for task in talk:
        task.cancel()
    await asyncio.gather(*talk, return_exceptions=True)
    await process.wait()
    assert process.stderr is not None
    # Up to the end of its standard error, or the pipe would outlive the loop.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GOODBYE_S):
            while await process.stderr.read(READ_BYTES):
                pass


async def _log_lines(stream: asyncio.StreamReader) -> None:
    for _ in range(MOST_LINES):
        try:
            line = await stream.readline()
        except ValueError:  # too long for the stream's buffer, which then is empty again
            continue
        if not line:
            return
        log.warning("a transcode process says", line=line[:LINE_BYTES].decode(errors="replace"))
    while await stream.read(READ_BYTES):
        pass


def _failed(task: asyncio.Task[None]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is not None


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    rooms = Path(bridge.__file__).parent.parent
    # One thread: numpy's own would forbid the sandbox a user namespace.
    return kept | {"PYTHONPATH": str(rooms), "OPENBLAS_NUM_THREADS": "1"}
