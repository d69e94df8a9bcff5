"""What every RoomLog must do. A backend's test file makes a subclass of it, with its fixture.

class TestMemory(LogConformance):
    @pytest.fixture
    async def log(self) -> AsyncIterator[RoomLog]: ...
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from chat.entry import Draft, Entry, Epoch, EpochEnd, Kind, Position, RoomId
from chat.log import Appended, Hearts, LogError, News, RoomLog

GARDEN, TERRACE = RoomId("garden"), RoomId("terrace")
T0 = 1_790_000_000_000

Reopen = Callable[[], Awaitable[RoomLog]]
"""The same rooms in another process: closes the log before, where only one may be open."""


def draft(
    text: str = "hello",
    t_recv: int = T0,
    *,
    kind: Kind = "message",
    key: str | None = None,
    ttl_ms: int | None = 600_000,
    seen: int | None = None,
    staff: bool = False,
) -> Draft:
    return Draft(kind, b'{"text":"%s"}' % text.encode(), t_recv, seen, key, ttl_ms, staff)


def seqs(entries: Sequence[Entry]) -> list[int]:
    return [entry.seq for entry in entries]


def texts(entries: Sequence[Entry]) -> list[str]:
    return [entry.body[9:-2].decode() for entry in entries]


async def collect(news: AsyncIterator[News], count: int) -> list[Entry]:
    """The next so many entries, which must come without a new head."""
    entries: list[Entry] = []
    while len(entries) < count:
        one = await anext(news)
        assert one.head is None
        entries += one.entries
    return entries


class LogConformance:
    async def test_a_new_room_is_empty(self, log: RoomLog) -> None:
        head = await log.open(GARDEN)
        assert (head.position.seq, head.t_show, head.oldest, head.chain) == (0, 0, 1, ())
        assert await log.after(GARDEN, 0, 10) == []
        assert await log.acts(GARDEN) == []

    async def test_opening_again_changes_nothing(self, log: RoomLog) -> None:
        first = await log.open(GARDEN)
        await log.append(GARDEN, [draft(), draft()])
        follower = log.follow(GARDEN)
        await log.append(GARDEN, [draft()])
        await collect(follower, 1)
        head = await log.open(GARDEN)
        assert head.position == Position(first.position.epoch, 3)
        assert (head.t_show, head.chain) == (T0, ())

    async def test_numbers_go_up_one_by_one(self, log: RoomLog) -> None:
        assert await log.append(GARDEN, [draft("a"), draft("b", T0 + 1)]) == [
            Appended(1, T0, repeated=False),
            Appended(2, T0 + 1, repeated=False),
        ]
        assert seqs(await log.after(GARDEN, 0, 10)) == [1, 2]
        assert (await log.append(GARDEN, [draft("c", T0 + 2)]))[0].seq == 3

    async def test_the_time_to_show_never_falls(self, log: RoomLog) -> None:
        await log.append(GARDEN, [draft("a", T0 + 50), draft("b", T0 + 10)])
        await log.append(GARDEN, [draft("c", T0 + 20), draft("d", T0 + 60)])
        entries = await log.after(GARDEN, 0, 10)
        assert [entry.t_show - T0 for entry in entries] == [50, 50, 50, 60]
        assert [entry.t_recv - T0 for entry in entries] == [50, 10, 20, 60]

    async def test_an_entry_comes_back_as_it_was_appended(self, log: RoomLog) -> None:
        head = await log.open(GARDEN)
        body = '{"text":"ünï 🌱"}'.encode()
        await log.append(GARDEN, [Draft("held", body, T0, T0 - 800, "kim:1", None, True)])
        [entry] = await log.after(GARDEN, 0, 10)
        assert entry == Entry(
            head.position.epoch, 1, T0, T0 - 800, T0, "held", body, "kim:1", True
        )  # fmt: skip

    async def test_appending_nothing_is_nothing(self, log: RoomLog) -> None:
        assert list(await log.append(GARDEN, [])) == []
        assert (await log.open(GARDEN)).position.seq == 0

    async def test_a_key_is_appended_once(self, log: RoomLog) -> None:
        await log.append(GARDEN, [draft("a"), draft("b", T0 + 5, key="kim:1")])
        again = await log.append(GARDEN, [draft("b", T0 + 9, key="kim:1"), draft("c", T0 + 9)])
        assert again == [
            Appended(2, T0 + 5, repeated=True),
            Appended(3, T0 + 9, repeated=False),
        ]
        assert texts(await log.after(GARDEN, 0, 10)) == ["a", "b", "c"]

    async def test_a_key_that_comes_twice_in_a_batch_is_appended_once(self, log: RoomLog) -> None:
        twice = await log.append(GARDEN, [draft("a", key="kim:1"), draft("b", key="kim:1")])
        assert twice == [Appended(1, T0, repeated=False), Appended(1, T0, repeated=True)]
        assert texts(await log.after(GARDEN, 0, 10)) == ["a"]

    async def test_a_key_is_free_again_after_its_time(self, log: RoomLog) -> None:
        await log.append(GARDEN, [draft("a", key="kim:1", ttl_ms=1_000)])
        repeated = [
            (await log.append(GARDEN, [draft("b", T0 + ms, key="kim:1")]))[0].repeated
            for ms in (999, 1_000)
        ]
        assert repeated == [True, False]

    async def test_a_lasting_key_is_never_free_again(self, log: RoomLog) -> None:
        await log.append(GARDEN, [draft("a", key="donation:1", ttl_ms=None)])
        for later in (draft(key="donation:1"), draft(key="donation:1", ttl_ms=None)):
            later = Draft(later.kind, later.body, T0 + 10**10, None, later.key, later.key_ttl_ms)
            assert (await log.append(GARDEN, [later]))[0] == Appended(1, T0, repeated=True)

    async def test_rooms_have_their_own_numbers_and_keys(self, log: RoomLog) -> None:
        for room in (GARDEN, TERRACE):
            [one] = await log.append(room, [draft(room, key="kim:1")])
            assert one == Appended(1, T0, repeated=False)
        assert texts(await log.after(TERRACE, 0, 10)) == ["terrace"]

    async def test_followers_get_everything_in_order(self, log: RoomLog) -> None:
        followers = [log.follow(GARDEN) for _ in range(3)]
        await log.open(GARDEN)
        await asyncio.gather(
            *(log.append(GARDEN, [draft(f"{n}a"), draft(f"{n}b")]) for n in range(40))
        )
        got = [await collect(follower, 80) for follower in followers]
        assert seqs(got[0]) == list(range(1, 81))
        assert got[0] == got[1] == got[2] == await log.after(GARDEN, 0, 100)

    async def test_drafts_of_one_call_stay_together(self, log: RoomLog) -> None:
        calls = await asyncio.gather(
            *(log.append(GARDEN, [draft(f"{n}{letter}") for letter in "abc"]) for n in range(50))
        )
        for call in calls:
            first = call[0].seq
            assert [one.seq for one in call] == [first, first + 1, first + 2]
        assert texts(await log.after(GARDEN, calls[7][0].seq - 1, 3)) == ["7a", "7b", "7c"]

    async def test_who_follows_later_gets_what_comes_later(self, log: RoomLog) -> None:
        early = log.follow(GARDEN)
        await log.append(GARDEN, [draft("a")])
        await collect(early, 1)
        late = log.follow(GARDEN)
        await log.append(GARDEN, [draft("b")])
        assert texts(await collect(late, 1)) == ["b"]

    async def test_a_follower_that_does_not_read_loses_nothing(self, log: RoomLog) -> None:
        follower = log.follow(GARDEN)
        await log.open(GARDEN)
        for start in range(0, 12_000, 1_000):
            await log.append(GARDEN, [draft(str(start + n)) for n in range(1_000)])
        assert seqs(await collect(follower, 12_000)) == list(range(1, 12_001))
        await log.append(GARDEN, [draft("more")])
        assert texts(await collect(follower, 1)) == ["more"]

    async def test_what_is_repeated_is_not_followed(self, log: RoomLog) -> None:
        follower = log.follow(GARDEN)
        await log.append(GARDEN, [draft("a", key="kim:1")])
        await log.append(GARDEN, [draft("a", key="kim:1")])
        await log.append(GARDEN, [draft("b")])
        assert texts(await collect(follower, 2)) == ["a", "b"]

    async def test_history_by_number_is_limited(self, log: RoomLog) -> None:
        for n in range(1, 11):
            await log.append(GARDEN, [draft(f"{n}a"), draft(f"{n}b"), draft(f"{n}c")])
        assert seqs(await log.after(GARDEN, 0, 4)) == [1, 2, 3, 4]
        assert seqs(await log.after(GARDEN, 4, 4)) == [5, 6, 7, 8]
        assert seqs(await log.after(GARDEN, 28, 50)) == [29, 30]
        assert seqs(await log.after(GARDEN, 30, 50)) == []
        assert seqs(await log.after(GARDEN, 99, 50)) == []
        assert seqs(await log.after(GARDEN, 3, 0)) == []

    async def test_history_by_time(self, log: RoomLog) -> None:
        times = [0, 0, 10, 10, 10, 20, 5, 30]  # the 5 is shown at 20
        for at in (0, 4):
            await log.append(GARDEN, [draft(t_recv=T0 + t) for t in times[at : at + 4]])
        before = [(ms, seqs(await log.before(GARDEN, T0 + ms, 3))) for ms in (-1, 0, 9, 10, 20, 99)]
        assert before == [
            (-1, []), (0, [1, 2]), (9, [1, 2]), (10, [3, 4, 5]), (20, [5, 6, 7]), (99, [6, 7, 8]),
        ]  # fmt: skip
        assert seqs(await log.before(GARDEN, T0 + 99, 0)) == []
        assert seqs(await log.between(GARDEN, T0, T0 + 10, 9)) == [1, 2]
        assert seqs(await log.between(GARDEN, T0 + 1, T0 + 21, 9)) == [3, 4, 5, 6, 7]
        assert seqs(await log.between(GARDEN, T0 + 1, T0 + 21, 2)) == [3, 4]
        assert seqs(await log.between(GARDEN, T0 + 21, T0 + 99, 9)) == [8]
        assert seqs(await log.between(GARDEN, T0 + 31, T0 + 99, 9)) == []
        assert seqs(await log.between(GARDEN, T0 + 20, T0 + 20, 9)) == []

    async def test_acts_are_kept_when_entries_are_forgotten(self, log: RoomLog) -> None:
        await log.append(GARDEN, [draft("a"), draft("b", kind="ban"), draft("c", kind="mode")])
        await log.append(GARDEN, [draft("d", T0 + 1), draft("e", T0 + 1, kind="pin")])
        assert await log.trim(GARDEN, T0 + 10) == 5
        assert texts(await log.acts(GARDEN)) == ["b", "c", "e"]
        assert [entry.t_show - T0 for entry in await log.acts(GARDEN)] == [0, 0, 1]
        assert await log.after(GARDEN, 0, 10) == []

    async def test_where_all_is_forgotten_an_earlier_moment_changes_nothing(
        self, log: RoomLog
    ) -> None:
        await log.append(GARDEN, [draft("a"), draft("b", kind="ban")])
        assert await log.trim(GARDEN, T0 + 10) == 2
        for earlier in (T0, T0 - 10, T0 + 10):
            assert await log.trim(GARDEN, earlier) == 0
        assert (await log.append(GARDEN, [draft("c")]))[0].seq == 3
        assert await log.trim(GARDEN, T0) == 0

    async def test_entries_from_before_a_moment_are_forgotten(self, log: RoomLog) -> None:
        for at in range(0, 20, 4):
            await log.append(GARDEN, [draft(t_recv=T0 + at + n) for n in range(4)])
        assert await log.trim(GARDEN, T0 + 9) == 9
        assert await log.trim(GARDEN, T0 + 9) == 0
        assert (await log.open(GARDEN)).oldest == 10
        assert seqs(await log.after(GARDEN, 0, 3)) == [10, 11, 12]
        assert seqs(await log.before(GARDEN, T0 + 10, 5)) == [10, 11]
        assert seqs(await log.between(GARDEN, T0, T0 + 11, 5)) == [10, 11]
        assert (await log.append(GARDEN, [draft(t_recv=T0 + 30)]))[0].seq == 21

    async def test_numbers_go_on_in_a_room_without_entries(self, log: RoomLog) -> None:
        follower = log.follow(GARDEN)
        await log.append(GARDEN, [draft("a", T0 + 5), draft("b", T0 + 5)])
        assert await log.trim(GARDEN, T0 + 6) == 2
        await collect(follower, 2)
        head = await log.open(GARDEN)
        assert (head.position.seq, head.oldest, head.t_show) == (2, 3, T0 + 5)
        assert await log.append(GARDEN, [draft("c")]) == [Appended(3, T0 + 5, repeated=False)]
        assert texts(await collect(follower, 1)) == ["c"]

    async def test_hearts_are_summed_by_second_and_kind(self, log: RoomLog) -> None:
        await log.add_hearts(GARDEN, [Hearts(100, "heart", 3), Hearts(100, "fire", 1)])
        await log.add_hearts(GARDEN, [Hearts(100, "heart", 4), Hearts(199, "heart", 10**12)])
        await log.add_hearts(GARDEN, [])
        assert await log.hearts(GARDEN, 0, 200) == [
            Hearts(100, "fire", 1), Hearts(100, "heart", 7), Hearts(199, "heart", 10**12),
        ]  # fmt: skip
        assert await log.hearts(GARDEN, 101, 199) == []
        assert await log.hearts(TERRACE, 0, 200) == []

    async def test_hearts_from_before_a_moment_are_forgotten(self, log: RoomLog) -> None:
        await log.add_hearts(GARDEN, [Hearts(second, "heart", 1) for second in (10, 70, 80, 130)])
        await log.trim(GARDEN, 79_001)
        assert [one.second for one in await log.hearts(GARDEN, 0, 999)] == [80, 130]

    async def test_following_ends_with_the_log(self, log: RoomLog) -> None:
        follower = log.follow(GARDEN)
        await log.append(GARDEN, [draft("a")])
        await collect(follower, 1)
        await log.close()
        assert [news async for news in follower] == []

    async def test_a_closed_log_says_so(self, log: RoomLog) -> None:
        await log.open(GARDEN)
        await log.close()
        with pytest.raises(LogError):
            await log.append(GARDEN, [draft()])
        with pytest.raises(LogError):
            await log.after(GARDEN, 0, 1)

    async def test_a_large_batch_is_one_batch(self, log: RoomLog) -> None:
        drafts = [draft(f"{n}", T0 + n, key=f"kim:{n}") for n in range(3_000)]
        appended = await log.append(GARDEN, drafts)
        assert [one.seq for one in appended] == list(range(1, 3_001))
        assert texts(await log.between(GARDEN, T0 + 1_998, T0 + 2_001, 9)) == [
            "1998", "1999", "2000",
        ]  # fmt: skip
        assert all(one.repeated for one in await log.append(GARDEN, drafts))

    async def test_cancelling_an_append_disturbs_nobody(self, log: RoomLog) -> None:
        await log.open(GARDEN)
        gone = asyncio.ensure_future(log.append(GARDEN, [draft("a")]))
        asyncio.get_running_loop().call_soon(gone.cancel)
        await log.append(GARDEN, [draft("b")])
        await asyncio.wait([gone])
        entries = await log.after(GARDEN, 0, 10)
        assert texts(entries).count("b") == 1
        assert seqs(entries) == list(range(1, len(entries) + 1))


class OwnerConformance(LogConformance):
    """Of a log that has its rooms to itself."""

    async def test_a_dropped_room_is_forgotten(self, log: RoomLog) -> None:
        before = await log.open(GARDEN)
        follower = log.follow(GARDEN)
        await log.append(GARDEN, [draft("a", kind="ban", key="kim:1")])
        await log.append(GARDEN, [draft("b", key="donation:1", ttl_ms=None)])
        await log.add_hearts(GARDEN, [Hearts(100, "heart", 3)])
        await log.drop(GARDEN)
        assert all([news.head is None async for news in follower])
        head = await log.open(GARDEN)
        assert head.position.seq == 0
        assert head.position.epoch != before.position.epoch
        assert head.chain == ()
        assert await log.acts(GARDEN) == []
        assert await log.hearts(GARDEN, 0, 999) == []
        again = await log.append(GARDEN, [draft(key="kim:1"), draft(key="donation:1")])
        assert [one.repeated for one in again] == [False, False]

    async def test_dropping_what_is_not_there_is_nothing(self, log: RoomLog) -> None:
        await log.drop(TERRACE)


class LastingConformance(OwnerConformance):
    """Of logs that outlive the process."""

    async def test_opened_by_another_process_a_room_begins_an_epoch(
        self, log: RoomLog, reopen: Reopen
    ) -> None:
        first = (await log.open(GARDEN)).position.epoch
        await log.append(GARDEN, [draft("a"), draft("b", T0 + 9, kind="ban")])
        head = await (again := await reopen()).open(GARDEN)
        assert head.position.seq == 2
        assert head.position.epoch != first
        assert head.chain == (EpochEnd(first, 2),)
        assert (head.t_show, head.oldest) == (T0 + 9, 1)
        assert await again.append(GARDEN, [draft("c")]) == [Appended(3, T0 + 9, repeated=False)]
        entries = await again.after(GARDEN, 0, 9)
        assert [(one.epoch == first, one.seq) for one in entries] == [
            (True, 1), (True, 2), (False, 3),
        ]  # fmt: skip
        assert texts(await again.acts(GARDEN)) == ["b"]

    async def test_keys_outlive_the_process(self, log: RoomLog, reopen: Reopen) -> None:
        await log.append(GARDEN, [draft(key="kim:1"), draft(key="donation:1", ttl_ms=None)])
        again = await reopen()
        repeated = await again.append(GARDEN, [draft(key="donation:1"), draft(key="kim:1")])
        assert repeated == [Appended(2, T0, repeated=True), Appended(1, T0, repeated=True)]

    async def test_the_chain_grows_by_one_with_each_process(
        self, log: RoomLog, reopen: Reopen
    ) -> None:
        epochs: list[tuple[Epoch, int]] = []
        for _ in range(3):
            head = await log.open(GARDEN)
            assert [(end.epoch, end.last) for end in head.chain] == epochs
            [one] = await log.append(GARDEN, [draft()])
            epochs.append((head.position.epoch, one.seq))
            log = await reopen()

    async def test_what_was_erased_stays_erased_in_the_next_process(
        self, log: RoomLog, reopen: Reopen
    ) -> None:
        first = (await log.open(GARDEN)).position.epoch
        await log.append(GARDEN, [draft("a"), draft("ban", kind="ban"), draft("b", T0 + 5)])
        assert await log.erase(GARDEN, T0, T0 + 1) == 1
        again = await reopen()
        assert (await again.open(GARDEN)).position.seq == 3
        found = await again.after(GARDEN, 0, 9)
        assert texts(found) == ["ban", "b"]
        assert {one.epoch for one in found} == {first}
        assert await again.erase(GARDEN, T0, T0 + 9) == 1
        assert texts(await again.after(GARDEN, 0, 9)) == ["ban"]

    async def test_hearts_and_what_was_forgotten_outlive_the_process(
        self, log: RoomLog, reopen: Reopen
    ) -> None:
        await log.append(GARDEN, [draft("a"), draft("b", T0 + 5)])
        await log.add_hearts(GARDEN, [Hearts(T0 // 1_000 + 60, "heart", 2)])
        await log.trim(GARDEN, T0 + 1)
        again = await reopen()
        assert (await again.open(GARDEN)).oldest == 2
        assert texts(await again.after(GARDEN, 0, 9)) == ["b"]
        assert [one.count for one in await again.hearts(GARDEN, 0, 10**10)] == [2]


@asynccontextmanager
async def closed_after(*logs: RoomLog) -> AsyncIterator[list[RoomLog]]:
    """A list of logs that are all closed at the end."""
    opened = list(logs)
    try:
        yield opened
    finally:
        for log in opened:
            await log.close()
