"""What every RoomLog must do when it is told to erase; beside tests/chat/log_conformance.py."""

from __future__ import annotations

from chat.entry import Kind
from chat.log import Appended, Hearts, RoomLog
from tests.chat.log_conformance import GARDEN, T0, TERRACE, collect, draft, seqs, texts


class ErasingConformance:
    async def test_what_people_wrote_in_a_time_is_erased(self, log: RoomLog) -> None:
        await log.append(GARDEN, [draft(f"{n}", T0 + n) for n in range(6)])
        await log.append(GARDEN, [draft(f"{n}", T0 + n, kind="alert") for n in range(6, 10)])
        assert await log.erase(GARDEN, T0 + 3, T0 + 8) == 5
        assert seqs(await log.after(GARDEN, 0, 99)) == [1, 2, 3, 9, 10]
        assert texts(await log.after(GARDEN, 2, 2)) == ["2", "8"]
        assert texts(await log.between(GARDEN, T0 + 2, T0 + 9, 99)) == ["2", "8"]
        assert texts(await log.between(GARDEN, T0 + 4, T0 + 9, 1)) == ["8"]
        assert texts(await log.before(GARDEN, T0 + 8, 2)) == ["2", "8"]
        assert texts(await log.before(GARDEN, T0 + 7, 9)) == ["0", "1", "2"]
        assert await log.erase(GARDEN, T0 + 3, T0 + 8) == 0, "again is harmless"
        assert (await log.append(GARDEN, [draft("next")]))[0].seq == 11, "numbers go on"

    async def test_what_the_room_goes_by_is_not_erased(self, log: RoomLog) -> None:
        rules: list[Kind] = [
            "ban", "role", "mode", "timeout", "unban", "clear", "delete", "settled", "poll_end",
            "subscription", "goal", "erase",
        ]  # fmt: skip
        wrote: list[Kind] = ["message", "alert", "held", "pin", "poll"]
        for n, (rule, said) in enumerate(zip(rules, wrote * 3, strict=False)):
            await log.append(
                GARDEN, [draft(f"a{n}", kind=said), draft(rule, kind=rule), draft("b")]
            )
        await log.append(GARDEN, [draft("last", T0 + 9)])
        assert await log.erase(GARDEN, T0, T0 + 1) == 2 * len(rules)
        assert texts(await log.acts(GARDEN)) == rules
        assert texts(await log.after(GARDEN, 0, 99)) == [*rules, "last"]
        assert texts(await log.after(GARDEN, 3, 3)) == rules[1:4]
        assert texts(await log.between(GARDEN, T0, T0 + 1, 99)) == rules
        assert texts(await log.before(GARDEN, T0, 2)) == rules[-2:]
        assert texts(await log.before(GARDEN, T0 + 9, 2)) == [rules[-1], "last"]

    async def test_a_neighbouring_time_is_erased_later(self, log: RoomLog) -> None:
        """Both recordings have a share of one batch."""
        await log.append(GARDEN, [draft(f"{n}", T0 + n) for n in range(6)])
        for since, until, left in ((2, 4, ["0", "1", "4", "5"]), (4, 9, ["0", "1"]), (0, 2, [])):
            await log.erase(GARDEN, T0 + since, T0 + until)
            assert texts(await log.after(GARDEN, 0, 9)) == left
        assert await log.acts(GARDEN) == []

    async def test_a_key_of_what_was_erased_is_not_free(self, log: RoomLog) -> None:
        await log.append(GARDEN, [draft("a", key="donation:1", ttl_ms=None)])
        await log.append(GARDEN, [draft("b", key="kim:1")])
        assert await log.erase(GARDEN, T0, T0 + 1) == 2
        again = await log.append(GARDEN, [draft(key="donation:1"), draft(key="kim:1")])
        assert again == [Appended(1, T0, repeated=True), Appended(2, T0, repeated=True)]
        assert await log.after(GARDEN, 0, 9) == []

    async def test_an_act_from_another_time_is_erased_by_its_number(self, log: RoomLog) -> None:
        await log.append(GARDEN, [draft("a"), draft("later", T0 + 50)])
        await log.append(GARDEN, [draft("pin", T0 + 60, kind="pin"), draft("b", T0 + 60)])
        await log.append(GARDEN, [draft("ban", T0 + 70, kind="ban")])
        assert await log.erase(GARDEN, T0, T0 + 1, {2, 3, 5}) == 2, "neither messages nor rules"
        assert texts(await log.after(GARDEN, 0, 9)) == ["later", "b", "ban"]
        assert texts(await log.acts(GARDEN)) == ["ban"]

    async def test_acts_that_outlived_their_time_are_erased_as_well(self, log: RoomLog) -> None:
        await log.append(GARDEN, [draft("pin", kind="pin"), draft("ban", kind="ban")])
        await log.append(GARDEN, [draft("a", T0 + 9)])
        await log.trim(GARDEN, T0 + 5)
        assert await log.erase(GARDEN, T0, T0 + 5) == 1
        assert texts(await log.acts(GARDEN)) == ["ban"]
        assert texts(await log.after(GARDEN, 0, 9)) == ["a"]

    async def test_what_was_erased_at_the_end_can_be_forgotten(self, log: RoomLog) -> None:
        await log.append(GARDEN, [draft("a"), draft("ban", T0 + 5, kind="ban")])
        await log.append(GARDEN, [draft("b", T0 + 9), draft("c", T0 + 9)])
        assert await log.erase(GARDEN, T0 + 5, T0 + 10) == 2
        assert (await log.open(GARDEN)).oldest == 1
        assert await log.trim(GARDEN, T0 + 3) == 1
        assert texts(await log.after(GARDEN, 0, 9)) == ["ban"]
        assert await log.trim(GARDEN, T0 + 9) == 3
        assert (await log.open(GARDEN)).oldest == 5
        assert await log.after(GARDEN, 0, 9) == []
        assert texts(await log.acts(GARDEN)) == ["ban"]

    async def test_a_follower_goes_on_behind_what_was_erased(self, log: RoomLog) -> None:
        slow, follower = log.follow(GARDEN), log.follow(GARDEN)
        await log.append(GARDEN, [draft("a")])
        await log.append(GARDEN, [draft("b", T0 + 1), draft("c", T0 + 1)])
        assert seqs(await collect(follower, 3)) == [1, 2, 3]
        await log.erase(GARDEN, T0 + 1, T0 + 2)
        await log.append(GARDEN, [draft("d", T0 + 3)])
        assert seqs(await collect(follower, 1)) == [4]
        got = await collect(slow, 2)
        while got[-1].seq < 4:
            got += await collect(slow, 1)
        assert seqs(got) in ([1, 4], [1, 2, 3, 4]), "it may have been on its way already"

    async def test_hearts_of_the_erased_seconds_go(self, log: RoomLog) -> None:
        await log.add_hearts(GARDEN, [Hearts(second, "heart", 1) for second in (58, 59, 60, 119)])
        await log.add_hearts(GARDEN, [Hearts(second, "fire", 1) for second in (59, 61, 120)])
        await log.erase(GARDEN, 59_500, 61_001)
        assert [(one.second, one.kind) for one in await log.hearts(GARDEN, 0, 999)] == [
            (58, "heart"), (119, "heart"), (120, "fire"),
        ]  # fmt: skip
        await log.erase(GARDEN, 119_000, 121_000)
        assert [one.second for one in await log.hearts(GARDEN, 0, 999)] == [58]

    async def test_more_than_a_piece_is_erased(self, log: RoomLog) -> None:
        for start in range(0, 2_600, 400):
            some = [draft(f"{start + n}", T0 + start + n) for n in range(400)]
            await log.append(GARDEN, [*some, draft("ban", T0 + start + 399, kind="ban")])
        assert await log.erase(GARDEN, T0 + 100, T0 + 2_700) == 2_600
        left = texts(await log.after(GARDEN, 0, 9_999))
        assert left[:100] == [f"{n}" for n in range(100)]
        assert left[100:] == ["ban"] * 6 + [f"{n}" for n in range(2_700, 2_800)] + ["ban"]

    async def test_a_room_of_nothing_is_erased(self, log: RoomLog) -> None:
        assert await log.erase(TERRACE, T0, T0 + 10) == 0
        assert (await log.append(TERRACE, [draft("a")]))[0].seq == 1
