"""A deletion reaches the room's log, and says so where it cannot."""

from __future__ import annotations

import pytest

from chat.entry import Draft
from chat.log import LogError
from chat.log_memory import MemoryLog
from recorder.deletion import TalkRemains
from signaling.room_erasure import RoomErasure
from tests.chat.hub_world import ROOM, open_hub

T0 = 1_790_000_000_000


class Down(MemoryLog):
    async def erase(self, *asked: object, **more: object) -> int:
        raise LogError("no disk")


def said(at_ms: int) -> Draft:
    return Draft("message", b'{"id":"m","user":{"id":"u1","name":"Bea"},"text":"!"}', at_ms)


async def test_what_was_said_in_the_time_goes() -> None:
    async with open_hub() as world:
        await world.history.append(ROOM, [said(T0 + n) for n in range(5)])
        erasure = RoomErasure(world.hub)
        assert await erasure.erase(ROOM, T0 + 1, T0 + 3) == 2
        assert await erasure.erase(ROOM, T0 + 1, T0 + 3) == 0


async def test_a_log_that_fails_leaves_the_rest_for_later() -> None:
    async with open_hub(Down()) as world:
        with pytest.raises(TalkRemains, match="no disk"):
            await RoomErasure(world.hub).erase(ROOM, T0, T0 + 1)
