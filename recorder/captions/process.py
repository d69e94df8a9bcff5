"""Starts the caption process of one broadcast, feeds it, and starts it again when it dies.

    process = CaptionProcess(Open("pocketsphinx", "en"), on_heard, on_end)
    process.start(); process.begin(init); process.feed(time_ms, length_ms, part)
    await process.finish(); await process.stop()

Nothing here waits for the process. What it cannot hear in time is left out and counted; one that
hangs is ended and counts as dead; one that dies again and again is given up.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

import structlog

import recorder
from recorder.captions.backlog import Backlog
from recorder.captions.supervision import Patience, Supervision
from recorder.captions.wire import (
    FROM_CHILD,
    LONGEST,
    FromChild,
    Heard,
    Open,
    Ready,
    Refused,
    WireError,
    packed,
    unpacked,
)

log = structlog.get_logger(__name__)

MEMORY_BYTES: Final = 2 << 30
"""Enough for the small engines; a large model needs more."""
LOOK_S: Final = 1.0
"""How often a hang is looked for."""
GOODBYE_S: Final = 0.5
FINISH_S: Final = 15.0
MOST_LINES: Final = 20
"""Of its standard error, a life."""
LINE_BYTES: Final = 500
KEPT_VARIABLES: Final = ("PATH", "LD_LIBRARY_PATH", "LANG", "CUDA_VISIBLE_DEVICES")
"""Of the environment. The rest may hold secrets."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """How it goes."""

    deaths: int
    skipped_ms: int
    """Sound that was left out: the engine was too slow, or not there."""
    broken: int
    """Parts that could not be decoded."""
    behind_ms: int
    """Sound that waits for an answer."""


class CaptionProcess:
    """Owned by one broadcast; all calls from its event loop's thread."""

    def __init__(
        self,
        engine: Open,
        on_heard: Callable[[Heard], None],
        on_end: Callable[[str], None],
        *,
        memory_bytes: int = MEMORY_BYTES,
        patience: Patience = Patience(),  # noqa: B008 - frozen
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`on_heard` gets words as they become final. `on_end` is called once, when it is given
        up; the text is for the owner. `memory_bytes` 0: no bound, as for a graphics card."""
        self._engine = engine
        self._on_heard = on_heard
        self._on_end = on_end
        self._memory_bytes = memory_bytes
        self._now = now
        self._backlog = Backlog()
        self._supervision = Supervision(patience)
        self._woken = asyncio.Event()
        self._answered = asyncio.Condition()
        self._newest = 0
        self._broken = 0
        self._refusal = ""
        self._task: asyncio.Task[None] | None = None
        self.pid: int | None = None
        """None while none runs."""
        self.ended = ""
        """Why it was given up; empty: it was not."""

    @property
    def numbers(self) -> Numbers:
        return Numbers(
            self._supervision.deaths,
            self._backlog.skipped_ms,
            self._broken,
            self._backlog.behind_ms,
        )

    def start(self) -> None:
        """It starts while you go on; what is fed meanwhile waits, as far as there is room."""
        if self._task is None:
            self._task = asyncio.create_task(self._supervise(), name="captions")

    def begin(self, init: bytes) -> None:
        """What is fed from now on is behind this init segment."""
        self._backlog.begin(init)

    def feed(self, time_ms: int, length_ms: int, data: bytes) -> None:
        """A part and its stream time. Never waits, never fails."""
        if not self.ended:
            self._backlog.put(time_ms, length_ms, data)
            self._woken.set()

    async def finish(self, timeout_s: float = FINISH_S) -> bool:
        """Wait for the words of all that was fed. False: they did not come in this time."""
        if self._task is None or self.ended:
            return False
        number = self._backlog.flush()
        self._woken.set()
        try:
            async with asyncio.timeout(timeout_s), self._answered:
                await self._answered.wait_for(lambda: self._newest >= number or bool(self.ended))
        except TimeoutError:
            return False
        return not self.ended

    async def stop(self) -> None:
        """End it; returns when it is gone. Idempotent."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None

    async def _supervise(self) -> None:
        ended = ""
        while not ended:
            reason = await self._live()
            self._backlog.begin_anew()
            ended = self._refusal or await self._mourned(reason)
        log.warning("there are no more captions", reason=ended)
        self.ended = ended
        self._backlog.clear()
        async with self._answered:
            self._answered.notify_all()
        self._on_end(ended)

    async def _mourned(self, reason: str) -> str:
        """Wait before the next try; or say why there is none."""
        pause_s = self._supervision.died(self._now())
        deaths = self._supervision.deaths
        log.warning("a caption process died", reason=reason, deaths=deaths)
        if pause_s is None:
            return f"The caption engine failed {deaths} times, at last: {reason}."
        await asyncio.sleep(pause_s)
        return ""

    async def _live(self) -> str:
        """One process, from start to end. Returns what it died of."""
        self._supervision.born(self._now())
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        with ours:
            # Shielded: half begun, it could not be ended. Hung up on, it ends by itself.
            spawning = asyncio.ensure_future(self._spawn(theirs))
            try:
                process = await asyncio.shield(spawning)
            except OSError as error:
                return f"it does not start: {error}"
            except asyncio.CancelledError:
                with contextlib.suppress(OSError):
                    await _end(await spawning)
                raise
            finally:
                theirs.close()
            self.pid = process.pid
            try:
                return await self._talk(process, ours)
            finally:
                self.pid = None
                await _end(process)

    async def _spawn(self, theirs: socket.socket) -> asyncio.subprocess.Process:
        descriptor = theirs.fileno()
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "recorder.captions.child",
            *(str(number) for number in (descriptor, self._memory_bytes, os.getpid())),
            pass_fds=(descriptor,),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=_environment(),
        )

    async def _talk(self, process: asyncio.subprocess.Process, ours: socket.socket) -> str:
        assert process.stderr is not None
        tasks = [
            asyncio.create_task(self._receive(ours)),
            asyncio.create_task(self._send(ours)),
            asyncio.create_task(self._watch()),
        ]
        lines = asyncio.create_task(_log_lines(process.stderr))
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(process.wait()), GOODBYE_S)
            reasons = [str(task.exception()) for task in done if task.exception() is not None]
            return "; ".join(reasons) or f"exit code {process.returncode}"
        finally:
            for task in (*tasks, lines):
                task.cancel()
            await asyncio.gather(*tasks, lines, return_exceptions=True)

    async def _receive(self, ours: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(ConnectionError):
            while packet := await loop.sock_recv(ours, LONGEST + 1):
                await self._take(unpacked(FROM_CHILD, packet))

    async def _take(self, message: FromChild) -> None:
        now_s = self._now()
        self._supervision.said(now_s)
        match message:
            case Ready():
                self._supervision.ready()
                log.info("captions begin", engine=self._engine.engine, measures=message.measures)
            case Refused():
                self._refusal = message.reason
            case Heard():
                self._backlog.answered(message.number)
                self._supervision.owes(now_s, self._backlog.flying, answered=True)
                self._broken += bool(message.problem)
                self._woken.set()
                self._on_heard(message)
                async with self._answered:
                    self._newest = max(self._newest, message.number)
                    self._answered.notify_all()
            case _:
                pass

    async def _send(self, ours: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(ConnectionError):
            await loop.sock_sendall(ours, packed(self._engine))
            while True:
                message = self._backlog.take()
                if message is None:
                    self._woken.clear()
                    await self._woken.wait()
                    continue
                self._supervision.owes(self._now(), self._backlog.flying)
                await loop.sock_sendall(ours, packed(message))

    async def _watch(self) -> NoReturn:
        """Raises WireError when it hangs."""
        while True:
            if reason := self._supervision.hung(self._now()):
                raise WireError(reason)
            await asyncio.sleep(LOOK_S)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        # Not `process.kill`: that would take the exit code away from asyncio.
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    assert process.stderr is not None
    # Up to the end of its standard error, or the pipe would outlive the loop.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GOODBYE_S):
            while await process.stderr.read(LINE_BYTES):
                pass


async def _log_lines(stream: asyncio.StreamReader) -> None:
    for _ in range(MOST_LINES):
        try:
            line = await stream.readline()
        except ValueError:  # too long for the stream's buffer, which then is empty again
            continue
        if not line:
            return
        log.warning("a caption process says", line=line[:LINE_BYTES].decode(errors="replace"))
    while await stream.read(LINE_BYTES):
        pass


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    rooms = Path(recorder.__file__).parent.parent
    return kept | {
        "PYTHONPATH": str(rooms),
        # One thread: more would forbid it a user namespace.
        "OPENBLAS_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
    }
