"""What rooms are told: everything, once, however often it takes."""

from __future__ import annotations

import asyncio

from chat.donations.outbox import BATCH, FIRST_RETRY_MS, LAST_RETRY_MS, Outbox
from chat.entry import Draft, RoomId
from chat.log_memory import MemoryLog
from sluice.database import Database
from tests.chat.donations.world import Counts, LogAlerts, Rooms, World, euros


async def test_what_was_paid_is_told_once(world: World) -> None:
    await world.paid()
    assert await world.drain() is None
    assert await world.drain() is None
    assert (len(world.rooms.drafts), world.rooms.repeats) == (1, 0)
    assert world.counts.tellings == {"done": 1}


async def test_a_room_that_does_not_take_it_is_told_later_and_later(world: World) -> None:
    await world.paid()
    world.rooms.go_down()
    waits = []
    for _ in range(12):
        due_ms = await world.drain()
        assert due_ms is not None
        waits.append(due_ms - world.now_ms)
        world.clock.advance(due_ms - world.now_ms)
    assert waits[:4] == [FIRST_RETRY_MS * n for n in (1, 2, 4, 8)]
    assert waits[-1] == LAST_RETRY_MS
    world.rooms.broken = None
    assert await world.drain() is None
    assert len(world.rooms.drafts) == 1


async def test_it_is_not_tried_before_its_time(world: World) -> None:
    await world.paid()
    world.rooms.go_down()
    await world.drain()
    world.rooms.broken = None
    await world.drain()
    assert world.rooms.drafts == {}
    world.clock.advance(FIRST_RETRY_MS)
    await world.drain()
    assert len(world.rooms.drafts) == 1


async def test_one_bad_row_holds_up_no_other(world: World) -> None:
    first = await world.paid()
    second = await world.paid(channel="other")

    class Picky(Rooms):
        async def raise_alert(self, channel: str, draft: Draft) -> None:
            if channel == "live":
                raise ValueError("a fault of ours")
            await super().raise_alert(channel, draft)

    picky = Picky()
    outbox = Outbox(world.database, picky, world.clock, world.counts)
    await outbox.drain(world.now_ms)
    assert list(picky.drafts) == [f"donation:{second.id}"]
    assert first.id not in str(picky.drafts)
    assert world.counts.tellings == {"failed": 1, "done": 1}


async def test_more_than_a_batch_is_told_in_one_go_and_in_order(world: World) -> None:
    donations = [await world.paid(euros(100 + number)) for number in range(BATCH + 5)]
    await world.drain()
    assert list(world.rooms.drafts) == [f"donation:{one.id}" for one in donations]


async def test_after_a_kill_between_telling_and_noting_the_key_makes_it_once(
    world: World,
) -> None:
    await world.paid()

    class Killed(Rooms):
        async def raise_alert(self, channel: str, draft: Draft) -> None:
            await world.rooms.raise_alert(channel, draft)
            raise asyncio.CancelledError

    outbox = Outbox(world.database, Killed(), world.clock, world.counts)
    task = asyncio.ensure_future(outbox.drain(world.now_ms))
    await asyncio.wait([task])
    assert task.cancelled()
    await world.drain()
    assert (len(world.rooms.drafts), world.rooms.repeats) == (1, 1)


async def test_into_a_real_log_it_goes_once(world: World) -> None:
    donation = await world.paid()
    log = MemoryLog()
    for _ in range(2):  # two servers with one database
        outbox = Outbox(world.database, LogAlerts(log), world.clock, Counts())
        rows = await outbox._due(world.now_ms)
        await outbox._tell(rows, world.now_ms)
    (entry,) = await log.after(RoomId("live"), 0, 10)
    assert (entry.kind, entry.key) == ("alert", f"donation:{donation.id}")
    assert entry.t_show >= world.now_ms


async def test_the_task_wakes_up_for_news(world: World) -> None:
    told = asyncio.Event()

    class Waking(Rooms):
        async def raise_alert(self, channel: str, draft: Draft) -> None:
            await super().raise_alert(channel, draft)
            told.set()

    outbox = Outbox(world.database, Waking(), world.clock, world.counts)
    task = asyncio.create_task(outbox.run())
    await world.paid()
    outbox.wake()
    await told.wait()
    task.cancel()
    await asyncio.wait([task])


async def test_at_the_end_it_finishes_what_it_is_at(world: World) -> None:
    await world.paid()
    begun, go_on = asyncio.Event(), asyncio.Event()

    class Slow(Rooms):
        async def raise_alert(self, channel: str, draft: Draft) -> None:
            begun.set()
            await go_on.wait()
            await super().raise_alert(channel, draft)

    slow = Slow()
    outbox = Outbox(world.database, slow, world.clock, world.counts)
    task = asyncio.create_task(outbox.run())
    await begun.wait()
    outbox.stop()
    go_on.set()
    await task
    assert len(slow.drafts) == 1
    await world.drain()
    assert world.rooms.drafts == {}, "it was noted"


async def test_a_database_that_is_away_does_not_end_the_task(database: Database) -> None:
    world = World(database)
    tries: list[int] = []
    again = asyncio.Event()

    class Away(Outbox):
        async def drain(self, now_ms: int) -> int | None:
            from sluice.database import DatabaseDown

            tries.append(now_ms)
            if len(tries) < 2:
                self.wake()
                raise DatabaseDown("away")
            again.set()
            return None

    outbox = Away(database, world.rooms, world.clock, world.counts)
    task = asyncio.create_task(outbox.run())
    await again.wait()
    task.cancel()
    await asyncio.wait([task])
    assert len(tries) == 2
