"""What the benches of the media plane share: a server, load clients, and one way to measure."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import Progress

from sfu.native import LoadViewers
from signaling.load_client import LoadClient
from signaling.load_door import Door, WhepDoor
from signaling.load_result import LoadResult
from signaling.load_run import LoadRun, Plan
from signaling.process_meter import ProcessMeter
from tests.bench.machine import Watch
from tests.bench.receiving import ReceivingShare
from tests.journeys.server import Section, SluiceServer

BITRATE = 2_500_000
CHECKED = 10
"""Viewers that are decrypted in full, in every run; of the others each sequence number counts."""
WHOLE_PERCENT = 99.0
"""Less than this of what was published, and the server falls behind."""
OWN_ADDRESS = "198.18.77.1"
UNLIMITED: dict[str, Section] = {
    # In one process with all else: its meter then misses nothing.
    "media": {"process": "inside"},
    "limits": {
        "ip_rate": 10_000,
        "ip_burst": 10_000,
        "channel_rate": 10_000,
        "channel_burst": 10_000,
        "loop_lag_ms": 60_000,
        "sse_per_ip": 1_000,
    },
}


@contextmanager
def sluice() -> Iterator[SluiceServer]:
    """A server with its defaults, but without limits for a single address; a worker a core."""
    with (
        tempfile.TemporaryDirectory() as folder,
        SluiceServer(Path(folder), workers=os.cpu_count() or 1, settings=UNLIMITED) as server,
    ):
        yield server


def door(server: SluiceServer, channel: str) -> WhepDoor:
    """To a new channel, for a publisher and viewers."""
    key = server.create_channel(channel)
    return WhepDoor(server.whep_url(channel), publish_url=server.whip_url(channel), key=key)


def viewers(
    count: int, *, bitrate: int = BITRATE, bind: str = "127.0.0.1", checked: int = CHECKED
) -> LoadViewers:
    """A load client for `count` viewers without data channels, `checked` of them in full."""
    return LoadViewers(
        bind=bind,
        max_viewers=count,
        verify_every=max(1, count // checked) if checked else 0,
        data_channel=False,
        publisher_bitrate=bitrate,
    )


async def measured(
    what: str,
    plan: Plan,
    load: LoadClient,
    door: Door,
    pid: int,
    console: Console,
    sampling: ReceivingShare | None = None,
) -> LoadResult:
    """One run, with its progress on the console, and a doubt where others took the cores.

    `sampling` begins with the window.
    """
    meter = ProcessMeter(pid)
    watch = Watch(meter)
    with Progress(console=console) as progress:
        tasks = {
            "join": progress.add_task(f"{what}: joins", total=None),
            "watch": progress.add_task(f"{what}: window", total=None),
        }

        def show(phase: str, done: int, total: int) -> None:
            if phase == "watch" and sampling is not None:
                sampling.start(max(1.0, plan.seconds - 2))
            progress.update(tasks[phase], completed=done, total=total)

        result = await LoadRun(plan, load, door, meter, progress=show).measure()
    result.doubts.extend(watch.doubts())
    return result


def lost(result: LoadResult) -> int:
    """Of all viewers, in the window: what did not come, and whole viewers that got nothing."""
    missing = result.viewers - result.receiving
    each = (result.video.packets + result.audio.packets) / max(1, result.receiving)
    return result.video.lost + result.audio.lost + round(missing * each)


def is_whole(result: LoadResult) -> bool:
    """Whether all viewers got all that was published, and in time."""
    return lost(result) == 0 and (result.delivered_percent or 100.0) >= WHOLE_PERCENT


class SeveralDoors:
    """One broadcast behind each; viewers go to them in turn."""

    def __init__(self, doors: list[WhepDoor]) -> None:
        self._doors = doors
        self._came = 0
        self._door_of: dict[int, WhepDoor] = {}
        self._open = AsyncExitStack()

    @property
    def unended(self) -> Counter[str]:
        return sum((door.unended for door in self._doors), Counter[str]())

    async def __aenter__(self) -> Self:
        for one in self._doors:
            await self._open.enter_async_context(one)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._open.__aexit__(kind, error, trace)

    async def publish(self, load: LoadClient) -> list[int]:
        return [number for one in self._doors for number in await one.publish(load)]

    async def join(self, load: LoadClient) -> int:
        one = self._doors[self._came % len(self._doors)]
        self._came += 1
        viewer = await one.join(load)
        self._door_of[viewer] = one
        return viewer

    async def leave(self, viewer: int) -> None:
        await self._door_of.pop(viewer).leave(viewer)


@contextmanager
def own_address() -> Iterator[tuple[str, str]]:
    """The name of an interface and its address, for peers that will not use loopback.

    What is sent to an address of one's own never leaves the machine. Needs CAP_NET_ADMIN; raises
    subprocess.CalledProcessError or FileNotFoundError.
    """
    name, other = f"bench-a{os.getpid() % 10_000}", f"bench-b{os.getpid() % 10_000}"
    _ip("link", "add", name, "type", "veth", "peer", "name", other)
    try:
        _ip("address", "add", f"{OWN_ADDRESS}/32", "dev", name)
        _ip("link", "set", name, "up")
        _ip("link", "set", other, "up")
        yield name, OWN_ADDRESS
    finally:
        _ip("link", "delete", name)


@contextmanager
def phone(whip_url: str, key: str, *options: str) -> Iterator[None]:
    """The phone in software with its test card, as `sluice demo` runs it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mobile_sim", "publish", whip_url, "--testcard", *options],
        env=os.environ | {"MOBILE_SIM_KEY": key},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


def about(text: str, command: str) -> str:
    """When and where a table was measured, and how to measure it again."""
    today = datetime.now(UTC).date()
    where = f"{os.cpu_count()} cores, {platform.system()}, all on one machine"
    return f"{today}, {where}: {text} Command: `{command}`."


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
