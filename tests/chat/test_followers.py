"""Followers: in order, without holes, with bounded queues, and right across takeovers."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from chat.entry import Entry, Epoch, EpochEnd, Position
from chat.followers import Follower, Followers
from chat.lineage import Lineage
from chat.log import Head, LogError


class Room:
    """A log of numbers alone, and its followers."""

    def __init__(self, limit: int = 10) -> None:
        self.chain: tuple[EpochEnd, ...] = ()
        self.epoch = Epoch("0")
        self.entries: list[Entry] = []
        self.failures = 0
        self.reads = 0
        self.followers = Followers(self.read, limit)
        self.followers.lineage = Lineage((), self.epoch)

    async def read(self, seq: int, limit: int) -> Sequence[Entry]:
        await asyncio.sleep(0)
        self.reads += 1
        if self.failures:
            self.failures -= 1
            raise LogError("not now")
        return [entry for entry in self.entries if entry.seq > seq][:limit]

    def append(self, count: int = 1, *, told: bool = True) -> None:
        first = len(self.entries) + 1
        new = [
            Entry(self.epoch, seq, 0, None, 0, "message", b"{}", None, False)
            for seq in range(first, first + count)
        ]
        self.entries += new
        if told:
            self.followers.entries(new)

    def take_over(self, back: int = 0) -> Head:
        """A new epoch; so many entries are void."""
        begun = self.chain[-1].last if self.chain else 0
        kept = max(begun, len(self.entries) - back)
        del self.entries[kept:]
        self.chain = (*self.chain, EpochEnd(self.epoch, kept))
        self.epoch = Epoch(str(len(self.chain)))
        head = Head(Position(self.epoch, kept), 0, 1, self.chain)
        self.followers.head(head)
        return head


async def read_all(follower: Follower) -> list[Entry]:
    """The room as the news tell it, up to the end."""
    room: list[Entry] = []
    async for news in follower:
        if news.head is not None:
            assert news.head.position.seq <= len(room)
            del room[news.head.position.seq :]
        for entry in news.entries:
            assert entry.seq == len(room) + 1
            room.append(entry)
    return room


async def test_what_follows_is_handed_out_in_order() -> None:
    room = Room()
    follower = room.followers.open(0)
    room.append(2)
    room.append()
    room.followers.close()
    assert await read_all(follower) == room.entries
    assert room.reads == 0


async def test_a_hole_is_read_from_the_log() -> None:
    room = Room()
    follower = room.followers.open(0)
    room.append()
    room.append(3, told=False)
    room.append()
    got = [await anext(follower) for _ in range(3)]
    assert [entry.seq for news in got for entry in news.entries] == [1, 2, 3, 4, 5]


async def test_who_falls_behind_reads_on_from_the_log() -> None:
    room = Room(limit=10)
    follower = room.followers.open(0)
    for _ in range(50):
        room.append(5)
    assert len(follower._queue) == 0, "nothing piles up"
    reading = asyncio.create_task(read_until(follower, 250))
    assert [entry.seq for entry in await reading] == list(range(1, 251))
    room.append()
    assert (await anext(follower)).entries == room.entries[-1:]


async def test_a_log_that_cannot_be_read_is_asked_again() -> None:
    room = Room(limit=1)
    follower = room.followers.open(0)
    room.append(5)
    room.failures = 1
    assert len((await anext(follower)).entries) == 5


async def test_entries_that_come_twice_are_handed_out_once() -> None:
    room = Room()
    follower = room.followers.open(0)
    room.append(3)
    room.followers.entries(room.entries)
    room.append()
    got = [await anext(follower) for _ in range(2)]
    assert [entry.seq for news in got for entry in news.entries] == [1, 2, 3, 4]


async def test_who_was_behind_at_a_takeover_goes_on_from_where_it_was() -> None:
    room = Room(limit=10)
    follower = room.followers.open(0)
    room.append(4)
    await anext(follower)
    room.append(30)
    room.take_over(back=3)
    news = await anext(follower)
    assert news.head is not None
    assert news.head.position.seq == 4
    room.append()
    assert [entry.seq for entry in await read_until(follower, 28)] == list(range(5, 33))


async def test_entries_of_an_epoch_that_is_not_told_of_yet_wait_for_it() -> None:
    room = Room(limit=1)
    follower = room.followers.open(0)
    room.append(3)
    told = room.followers.lineage
    room.take_over(back=1)
    head, room.followers.lineage = await anext(follower), told
    assert head.head is not None
    room.append(told=False)
    first = await anext(follower)
    assert [entry.seq for entry in first.entries] == [1, 2]


async def test_closing_ends_the_wait() -> None:
    room = Room()
    follower = room.followers.open(0)
    waiting = asyncio.create_task(read_all(follower))
    await asyncio.sleep(0)
    room.followers.close()
    assert await waiting == []
    assert await read_all(room.followers.open(0)) == []


async def test_a_follower_that_nobody_has_is_forgotten() -> None:
    room = Room()
    follower = room.followers.open(0)
    assert len(room.followers) == 1
    del follower
    gc.collect()
    assert len(room.followers) == 0


steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 9)),
        st.tuples(st.just("unheard"), st.integers(1, 3)),
        st.tuples(st.just("take over"), st.integers(0, 9)),
        st.tuples(st.just("read"), st.integers(1, 4)),
    ),
    max_size=30,
)


@given(steps)
def test_whatever_happens_a_follower_ends_with_the_room(steps: list[tuple[str, int]]) -> None:
    async def run() -> None:
        room = Room(limit=12)
        follower = room.followers.open(0)
        reading = asyncio.create_task(read_all(follower))
        for what, count in steps:
            if what == "append":
                room.append(count)
            elif what == "unheard":
                room.append(count, told=False)
            elif what == "take over":
                room.take_over(count)
            else:
                for _ in range(count):
                    await asyncio.sleep(0)
        room.append()
        for _ in range(200):
            await asyncio.sleep(0)
        room.followers.close()
        assert await reading == room.entries

    asyncio.run(run())


async def read_until(follower: Follower, count: int) -> list[Entry]:
    entries: list[Entry] = []
    while len(entries) < count:
        entries += (await anext(follower)).entries
    return entries
