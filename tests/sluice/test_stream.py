"""Fan-out with bounded queues."""

from __future__ import annotations

import asyncio

import pytest

from sluice.stream import Fanout, Reader


async def rest(reader: Reader[int]) -> list[int]:
    reader.close()
    return [item async for item in reader]


async def test_every_reader_gets_what_is_sent_after_it_came() -> None:
    fanout: Fanout[int] = Fanout()
    early = fanout.open(8)
    fanout.send(1)
    late = fanout.open(8)
    fanout.send(2)
    assert await rest(early) == [1, 2]
    assert await rest(late) == [2]


async def test_a_slow_reader_loses_its_oldest_items_and_others_lose_nothing() -> None:
    fanout: Fanout[int] = Fanout()
    slow, quick = fanout.open(2), fanout.open(10)
    for item in range(5):
        fanout.send(item)
    assert slow.dropped == 3
    assert quick.dropped == 0
    assert fanout.dropped == 3
    assert await rest(slow) == [3, 4]
    assert await rest(quick) == [0, 1, 2, 3, 4]


async def test_an_item_for_one_reader_reaches_no_other_and_none_that_left() -> None:
    fanout: Fanout[int] = Fanout()
    one, other = fanout.open(8), fanout.open(8)
    fanout.send_to(one, 1)
    assert await rest(one) == [1]
    fanout.send_to(one, 2)
    assert await rest(one) == []
    assert await rest(other) == []


async def test_a_waiting_reader_is_woken_by_an_item_and_by_the_end() -> None:
    fanout: Fanout[int] = Fanout()
    reader = fanout.open(1)
    waiting = asyncio.create_task(anext(reader))
    await asyncio.sleep(0)
    fanout.send(7)
    assert await waiting == 7
    ending = asyncio.create_task(anext(reader, -1))
    await asyncio.sleep(0)
    fanout.close()
    assert await ending == -1


async def test_a_closed_reader_is_forgotten() -> None:
    fanout: Fanout[int] = Fanout()
    reader = fanout.open(1)
    reader.close()
    reader.close()
    fanout.send(1)
    assert len(fanout) == 0
    assert await rest(reader) == []


def test_a_queue_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="room"):
        Fanout[int]().open(0)
