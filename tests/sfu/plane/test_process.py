"""The real process: how it is started, what it is given, and that it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from sfu.plane.line import Line
from sfu.plane.process import PlaneProcess, environment, spawn
from sfu.plane.wire import FROM_PLANE, Started, Stop
from tests.sfu.plane.planes import Heard, start

PARENT = """
import asyncio, sys
from sfu.plane.process import spawn
async def main():
    process = await spawn()
    print(process.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


async def talking(process: PlaneProcess) -> tuple[Line, Heard]:  # type: ignore[type-arg]
    heard = Heard()
    line = Line(FROM_PLANE, heard.hear, lambda reason: None)
    await asyncio.get_running_loop().create_connection(lambda: line, sock=process.ours)
    line.send(start())
    await heard.next(Started)
    return line, heard


def test_secrets_stay_at_home() -> None:
    ours = {"LANG": "C", "LD_PRELOAD": "x.so", "SLUICE_AUTH__ADMIN_TOKEN": "secret", "HOME": "/h"}
    kept = environment(ours)
    assert kept.pop("PYTHONPATH")
    assert kept == {"LANG": "C", "LD_PRELOAD": "x.so"}


async def test_it_runs_until_it_is_told_to_stop() -> None:
    process = await spawn()
    line, _ = await talking(process)
    assert process.runs
    given = await asyncio.to_thread(Path(f"/proc/{process.pid}/environ").read_bytes)
    names = {one.split(b"=")[0] for one in given.split(b"\0")}
    assert names <= {b"", b"PYTHONPATH", b"LANG", b"LC_ALL", b"RUST_BACKTRACE"}
    line.send(Stop())
    assert await process.end(patience_s=10) == 0
    assert not process.runs


async def test_signals_for_everybody_in_the_terminal_are_not_for_it() -> None:
    process = await spawn()
    line, heard = await talking(process)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(process.pid, number)
    before = len(heard.messages)
    await heard.until(lambda: len(heard.messages) >= before + 2)
    line.close()
    assert await process.end(patience_s=10) == 0


async def test_one_that_was_never_talked_to_ends_too() -> None:
    process = await spawn()
    await process.discard()
    assert not process.runs


async def test_a_stopped_one_is_ended_by_force() -> None:
    process = await spawn()
    line, _ = await talking(process)
    os.kill(process.pid, signal.SIGSTOP)
    line.abort()
    assert await process.end(patience_s=0.1) == -signal.SIGKILL


@pytest.mark.parametrize("stopped", [False, True])
async def test_it_dies_with_its_parent_even_where_it_stands_still(stopped: bool) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    child = int(await parent.stdout.readline())
    handle = os.pidfd_open(child)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(handle, ended.set)
    try:
        await asyncio.to_thread(_loaded, child)
        if stopped:
            os.kill(child, signal.SIGSTOP)
        parent.kill()
        await parent.wait()
        async with asyncio.timeout(20):
            await ended.wait()
    finally:
        asyncio.get_running_loop().remove_reader(handle)
        os.close(handle)


def _loaded(pid: int) -> None:
    """Wait until it has loaded the media plane, long after it asked to die with its parent."""
    while "_media" not in Path(f"/proc/{pid}/maps").read_text():
        time.sleep(0.02)
