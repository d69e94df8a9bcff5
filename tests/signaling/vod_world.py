"""A front door with recordings behind it: real media, as broadcasts left it in the folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sluice.storage import Access
from tests.recorder.broadcast import Broadcast
from tests.signaling.door import Door, bearer, open_door

CHANNEL = "channel"
"""The name that tests/recorder/broadcast.py gives."""
VOD = "channel-20250615-150640-abcdef"


def film(storage: Path, vod: str = VOD, *, mute_s: int = 0) -> Broadcast:
    """Two periods with a gap of 20 s between: 4 s and 3 s. `mute_s`: so much of the second, from
    its start on, has no sound."""
    broadcast = Broadcast(storage / "recordings" / vod)
    broadcast.session()
    broadcast.shoot(4)
    broadcast.wait(20)
    if mute_s:
        broadcast.shoot(mute_s, sound=False)
    broadcast.shoot(3 - mute_s)
    broadcast.close()
    return broadcast


@asynccontextmanager
async def open_vods(
    storage: Path, *, access: Access = "public", workers: int = 0, **recorder: object
) -> AsyncIterator[Door]:
    """A running door with one recording of `CHANNEL`. Without `workers`, no job is done."""
    if not (storage / "recordings" / VOD).exists():
        film(storage)
    sections = {"record": "never", "keep_days": 10_000, "jobs": {"workers": workers}, **recorder}
    async with open_door(storage, recorder=sections, money={"provider": "fake"}) as door:
        await door.add_channel(CHANNEL, access)
        yield door


def owner(door: Door) -> dict[str, str]:
    return bearer(door.keys[CHANNEL])
