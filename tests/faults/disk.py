"""The disk below recordings, channels and rooms is full."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path

from tests.faults.row import Measured, Row, Target
from tests.faults.watching import watching
from tests.faults.world import CHANNEL, World
from tests.journeys.server import Section, ServerFailed, SluiceServer
from tests.journeys.waiting import until
from tests.recorder.small_disk import small_disk
from tests.recorder.studio import fault_of, frames_of

FAMILY = "disk"
MIB = 1 << 20
DISK = 24 * MIB
VIEWERS = 10
RECORDED_S = 4.0
FULL_S = 6.0


def full(world: World, seed: int) -> Measured:
    """A tmpfs, on which something else takes all that is left."""
    mount = world.enter(small_disk(world.folder, DISK))
    settings: dict[str, Section] = {
        "storage": {"path": str(mount / "storage")},
        "recorder": {"record": "always", "chunk_s": 2, "reserve_mb": 16},
    }
    server = world.server(settings)
    phone = world.phone(server)
    recordings = mount / "storage" / "recordings"
    until("a recording", lambda: list(recordings.glob("*/source-*.mp4")), 30)
    time.sleep(RECORDED_S + random.Random(seed).uniform(0, 2))
    lost = asyncio.run(_fill(server, mount))
    kind = server.metric("sluice_recorder_troubles_total", kind="disk full")
    phone.stop()
    until("the broadcast is over", lambda: not server.state(CHANNEL)["live"], 20)
    vods = until("a recording to watch", lambda: _closed(server), 30)
    [folder] = [recordings / str(one["id"]) for one in vods]
    fault = fault_of(folder)
    frames = frames_of(folder)
    return Measured(
        {
            "packets lost by viewers": lost,
            "owner warned": min(kind, float(bool(vods[0].get("trouble")))),
            "recording is not right": float(bool(fault)),
            "pictures in the recording": frames.get("source", 0),
            "writes answered by 500": _writes_that_crash(server),
        },
        f"{vods[0].get('trouble')} {fault}",
    )


async def _fill(server: SluiceServer, mount: Path) -> float:
    """The percentage that viewers lose meanwhile."""
    async with watching(server, VIEWERS, channel=CHANNEL, publish=False) as viewers:
        await viewers.begin()
        await asyncio.to_thread(_take_all, mount / "ballast")
        await asyncio.sleep(FULL_S)
        window = await viewers.end()
        assert window.packets > 0, "nothing came"
        return window.lost_percent + 100 * window.closed / VIEWERS


def _take_all(file: Path) -> None:
    with file.open("wb", buffering=0) as out:
        try:
            while True:
                out.write(bytes(MIB // 16))
        except OSError:
            return


def _closed(server: SluiceServer) -> list[dict[str, object]]:
    answer = server.request("GET", f"/api/channels/{CHANNEL}/vods")
    assert isinstance(answer, dict)
    items: list[dict[str, object]] = answer["items"]
    return items if items and items[0]["state"] in ("ready", "trouble") else []


def _writes_that_crash(server: SluiceServer) -> int:
    """What must be written and cannot be is refused as such, and not by a failure of ours."""
    crashed = 0
    for number in range(5):
        try:
            server.create_channel(f"more{number}")
        except ServerFailed as error:
            crashed += " 500 " in str(error)
    return crashed


ROWS = (
    Row(
        "disk full",
        FAMILY,
        (
            Target("packets lost by viewers", 0.1, "%"),
            Target("owner warned", 1, least=True),
            Target("recording is not right", 0),
            Target("pictures in the recording", 60, least=True),
            Target("writes answered by 500", 0),
        ),
        full,
        ("root", "mount"),
    ),
)
