"""One attempt at a job: a child process from start to end.

    result = await attempt(order, limits, progress)

The child gets its order and a bare environment, and is bounded in memory, time and silence. When
`attempt` returns or is cancelled, it is gone, with all that it started.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
import structlog

import recorder
from recorder.jobs.settings import Limits
from recorder.jobs.wire import LINE_BYTES, Finished, Order, Progress, Refused, Said

log = structlog.get_logger(__name__)

KEPT_VARIABLES: Final = (
    "PATH", "LD_LIBRARY_PATH", "LANG", "TMPDIR", "TZ", "CUDA_VISIBLE_DEVICES"
)  # fmt: skip
"""Of the environment. The rest may hold secrets, and is no business of a job."""
MOST_LINES: Final = 40
"""Of its standard error: what strangers sent must not fill the log."""
MOST_LINE_BYTES: Final = 500
GOODBYE_S: Final = 0.3
"""For the last words on its standard error."""

_said: msgspec.json.Decoder[Said] = msgspec.json.Decoder(Said)


async def attempt(
    order: Order, limits: Limits, progress: Callable[[float], None]
) -> Finished | Refused:
    """Let a child carry out the order. `progress` is called with what it says, 0 to 1."""
    spawning = asyncio.create_task(_spawn())
    try:
        process = await asyncio.shield(spawning)
    except OSError as error:
        return Refused(f"Its process does not start: {error}")
    except asyncio.CancelledError:
        # Half begun, it could not be ended.
        with contextlib.suppress(OSError):
            await _end(await spawning)
        raise
    pipes = _Pipes.of(process)
    listening = asyncio.create_task(_log_lines(pipes.errors, order))
    try:
        async with asyncio.timeout(limits.time_s) as clock:
            await _give(pipes.orders, order)
            return await _listen(process, pipes.words, limits, progress)
    except TimeoutError:
        if not clock.expired():
            raise
        return Refused(f"It took longer than {limits.time_s:g} s.")
    finally:
        await _end(process)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(listening, GOODBYE_S)
        await _drain(pipes.words)


class _Pipes(msgspec.Struct, frozen=True):
    orders: asyncio.StreamWriter
    words: asyncio.StreamReader
    errors: asyncio.StreamReader

    @classmethod
    def of(cls, process: asyncio.subprocess.Process) -> _Pipes:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        return cls(process.stdin, process.stdout, process.stderr)


async def _spawn() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "recorder.work.run",
        str(os.getpid()),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=_environment(),
        cwd="/",
        limit=LINE_BYTES,
        # A group of its own: what it starts ends with it.
        start_new_session=True,
    )


async def _give(orders: asyncio.StreamWriter, order: Order) -> None:
    # A child that is dead already is noticed by its silence, and told better then.
    with contextlib.suppress(ConnectionError):
        orders.write(msgspec.json.encode(order))
        await orders.drain()
    orders.close()


async def _listen(
    process: asyncio.subprocess.Process,
    words: asyncio.StreamReader,
    limits: Limits,
    progress: Callable[[float], None],
) -> Finished | Refused:
    while True:
        try:
            async with asyncio.timeout(limits.silence_s) as silence:
                line = await words.readline()
                if not line:
                    return Refused(_death(await process.wait(), limits))
        except TimeoutError:
            if not silence.expired():
                raise
            return Refused(f"It made no progress for {limits.silence_s:g} s.")
        except ValueError:
            return Refused("Its process talks nonsense.")
        try:
            said = _said.decode(line)
        except msgspec.MsgspecError:
            return Refused("Its process talks nonsense.")
        if not isinstance(said, Progress):
            return said
        progress(min(1.0, max(0.0, said.done)))


def _death(code: int, limits: Limits) -> str:
    if code == -signal.SIGXCPU:
        return f"It took more than {limits.cpu_s} s of processor time."
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"Its process was ended by {signal.Signals(-code).name}."
    return f"Its process ended with code {code}."


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


async def _drain(stream: asyncio.StreamReader) -> None:
    # Up to its end, or the pipe would stay open for as long as we live.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GOODBYE_S):
            while await stream.read(LINE_BYTES):
                pass


async def _log_lines(stream: asyncio.StreamReader, order: Order) -> None:
    said = 0
    while True:
        try:
            line = await stream.readline()
        except ValueError:  # too long for the stream's buffer, which then is empty again
            continue
        if not line:
            return
        said += 1
        if said <= MOST_LINES:
            text = line[:MOST_LINE_BYTES].decode(errors="replace").rstrip()
            log.warning(
                "a job says", recording=order.spec.recording, kind=order.spec.kind, line=text
            )


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    rooms = Path(recorder.__file__).parent.parent
    # One thread for numpy: more would only crowd what is live.
    return kept | {"PYTHONPATH": str(rooms), "OPENBLAS_NUM_THREADS": "1"}
