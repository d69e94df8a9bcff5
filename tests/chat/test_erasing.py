"""What people wrote in a time is taken out of a room: nobody gets to see it any more, from the log
or from memory, and nobody is told that nothing is missing.
"""

from __future__ import annotations

import asyncio
import json

from chat.entry import Draft, Entry, Kind, RoomId
from chat.erasing import erase
from chat.log import LogError
from chat.log_memory import MemoryLog
from chat.moderation.settings import RoomSettings
from chat.room import Room
from chat.settings import HubSettings
from tests.chat.hub_world import ROOM, HubWorld, open_hub

T0 = 1_790_000_000_000


def said(text: str, ms: int, *, kind: Kind = "message") -> Draft:
    body = {"id": "k", "user": {"id": "ann", "name": "Ann"}, "text": text}
    return Draft(kind, json.dumps(body).encode(), T0 + ms)


def act(kind: Kind, ms: int, **body: object) -> Draft:
    return Draft(kind, json.dumps(body).encode(), T0 + ms)


def pin(of: int, ms: int) -> Draft:
    entry = {"seq": of, "t": T0, "kind": "message", "text": "old words", "user": {"id": "ann"}}
    return act("pin", ms, of=of, entry=entry if of else None, by="mia")


def words(log: MemoryLog) -> bytes:
    """All that the log still holds, as one text."""
    opened = log._rooms[ROOM]
    return b" ".join(one.wire for one in (*opened.entries, *opened.acts))


async def state_of(log: MemoryLog) -> Room:
    """As a process that opens the room now would have it."""
    room = Room(RoomSettings())
    found = {one.seq: one for one in (*await log.acts(ROOM), *await log.after(ROOM, 0, 9_999))}
    for seq in sorted(found):
        room.apply(found[seq])
    return room


async def forgotten(log: MemoryLog, since: int, until: int) -> int:
    async def heard(seq: int) -> None:
        assert (await log.after(ROOM, seq - 1, 1))[0].kind == "erase"

    return await erase(log, ROOM, T0 + since, T0 + until, T0 + 90_000, heard)


async def the_act(log: MemoryLog) -> dict[str, object]:
    last: Entry = (await log.acts(ROOM))[-1]
    assert last.kind == "erase"
    told: dict[str, object] = json.loads(last.body)
    return told


async def test_an_act_says_which_numbers_are_gone() -> None:
    log = MemoryLog()
    await log.append(ROOM, [said(f"w{n}", 1_000 * n) for n in range(10)])
    assert await forgotten(log, 3_000, 6_000) == 3
    assert await the_act(log) == {"first": 4, "last": 6, "pin": 0}
    assert [one.seq for one in await log.after(ROOM, 0, 99)] == [1, 2, 3, 7, 8, 9, 10, 11]


async def test_again_changes_nothing() -> None:
    log = MemoryLog()
    await log.append(ROOM, [said(f"w{n}", 1_000 * n) for n in range(5)])
    for expected in (3, 0, 0):
        assert await forgotten(log, 2_000, 9_000) == expected
    assert len(await log.acts(ROOM)) == 1


async def test_where_nobody_spoke_there_is_nothing_to_tell() -> None:
    log = MemoryLog()
    assert await forgotten(log, 0, 9_000) == 0
    await log.append(ROOM, [said("before", 0), said("after", 50_000)])
    assert await forgotten(log, 10_000, 20_000) == 0
    assert await log.acts(ROOM) == []


async def test_a_log_that_fails_in_the_middle_is_finished_by_the_next_call() -> None:
    class Failing(MemoryLog):
        fails = True

        async def erase(self, *asked: object, **more: object) -> int:
            if self.fails:
                raise LogError("no disk")
            return await super().erase(*asked, **more)  # type: ignore[arg-type]

    log = Failing()
    await log.append(ROOM, [said("a", 0), pin(1, 0), said("b", 9_000)])
    try:
        await forgotten(log, 0, 5_000)
    except LogError:
        pass
    else:
        raise AssertionError("it did not fail")
    room = await state_of(log)
    hidden = [one.seq for one in await log.after(ROOM, 0, 9) if room.hides(one)]
    assert hidden == [1, 2], "it is hidden already"
    log.fails = False
    assert await forgotten(log, 0, 5_000) == 2
    assert (await the_act(log))["pin"] == 2, "as it was told first"
    assert b"old words" not in words(log)


async def test_pins_are_the_same_for_who_knew_them_and_for_who_reads_the_log_now() -> None:
    """All orders of pins, unpins and messages around the erased time."""
    steps = {
        "pinned in it": [said("a", 2_000), pin(3, 2_500)],
        "unpinned in it": [pin(1, 500), said("a", 2_000), pin(0, 2_500)],
        "pinned before it": [pin(1, 500), said("a", 2_000)],
        "pinned afterwards, from before": [said("a", 2_000), pin(1, 6_000)],
        "pinned afterwards, from it": [said("a", 2_000), pin(3, 6_000)],
        "two pins": [pin(1, 500), said("a", 2_000), pin(4, 6_000), pin(1, 7_000)],
    }
    pinned = {}
    for name, drafts in steps.items():
        log = MemoryLog()
        await log.append(ROOM, [said("first", 0), said("second", 100), *drafts])
        live = await state_of(log)
        await forgotten(log, 1_000, 5_000)
        for one in (await log.acts(ROOM))[-1:]:
            live.apply(one)
        anew = await state_of(log)
        assert live.view(T0).pin == anew.view(T0).pin, name
        pinned[name] = live.view(T0).pin is not None
        assert b'"text":"a"' not in words(log).replace(b" ", b"")
    assert pinned == {
        "pinned in it": False,
        "unpinned in it": False,
        "pinned before it": True,
        "pinned afterwards, from before": True,
        "pinned afterwards, from it": False,
        "two pins": True,
    }


async def test_words_of_that_time_go_from_later_pins_too() -> None:
    log = MemoryLog()
    await log.append(ROOM, [said("a", 0), said("b", 9_000), pin(1, 9_500)])
    assert await forgotten(log, 0, 1_000) == 2
    assert b"old words" not in words(log)


async def test_the_rules_of_the_room_hold_on() -> None:
    log = MemoryLog()
    await log.append(
        ROOM,
        [
            said("a", 0), said("b", 100), act("ban", 200, user="ann", by="mia"),
            act("mode", 300, slow_s=9, by="mia"), act("delete", 400, of=1, by="mia"),
            act("poll", 500, question="Tea?", options=["a", "b"], until=T0 + 600, by="mia"),
        ],
    )  # fmt: skip
    assert await forgotten(log, 50, 9_000) == 2
    room = await state_of(log)
    assert room.view(T0).modes.slow_s == 9
    assert room.view(T0).poll is None
    assert room.due(T0 + 99_000) == ()
    [first] = [one for one in await log.after(ROOM, 0, 9) if one.kind == "message"]
    assert room.hides(first), "the moderator's word on it stands"


# --- in an open room


async def spoken(world: HubWorld, count: int = 10) -> None:
    """So many messages, a second apart."""
    ann = await world.person("Ann")
    for n in range(count):
        await ann.say(f"w{n}")
        world.clock.advance(1_000)


async def erased(world: HubWorld, since_s: int, until_s: int, ago_s: int = 10) -> int:
    began_ms = world.clock.wall_ms() - 1_000 * ago_s
    return await world.hub.erase(ROOM, began_ms + 1_000 * since_s, began_ms + 1_000 * until_s)


async def test_a_newcomer_gets_nothing_of_it() -> None:
    async with open_hub() as world:
        await spoken(world)
        assert await erased(world, 2, 6) == 4
        guest = await world.reader()
        await guest.line.until_shown(11)
        assert guest.line.texts == ["w0", "w1", "w6", "w7", "w8", "w9"]
        gap = await guest.line.until("gap")
        assert (gap["from"], gap["to"]) == (3, 6)


async def test_who_comes_back_is_told_the_gap() -> None:
    for has, recovered, gaps in (
        (1, True, [(3, 6)]),
        (2, False, []),
        (4, False, []),
        (6, True, []),
    ):
        async with open_hub() as world:
            await spoken(world)
            epoch = (await (await world.reader()).line.until("batch"))["epoch"]
            await erased(world, 2, 6)
            back = world.guest()
            told = await back.hello(resume={"epoch": epoch, "seq": has})
            await back.line.until_shown(11)
            assert told["recovered"] is recovered, has
            if recovered:
                found = [(o["from"], o["to"]) for o in back.line.frames if o["op"] == "gap"]
                assert found == gaps
            assert not {"w2", "w3", "w4", "w5"} & set(back.line.texts)


async def test_who_is_there_hears_that_it_is_gone() -> None:
    async with open_hub() as world:
        await spoken(world)
        guest = await world.reader()
        await erased(world, 0, 5)
        await guest.line.until_shown(11)
        [told] = [item for item in guest.line.items if item["kind"] == "erase"]
        assert (told["first"], told["last"]) == (1, 5)


async def test_who_had_not_read_it_yet_gets_a_gap_in_its_place() -> None:
    async with open_hub(settings=HubSettings(behind_ms=60_000)) as world:
        slow = await world.reader()
        slow.stall()
        await spoken(world, 5)
        await erased(world, 0, 5, ago_s=5)
        guest = await world.reader()
        await guest.line.until_shown(6)
        slow.read_on()
        gap = await slow.line.until("gap")
        assert (gap["from"], gap["to"]) == (1, 6)
        assert slow.line.texts == []


async def test_nobody_replies_to_what_is_gone() -> None:
    async with open_hub() as world:
        await spoken(world)
        await erased(world, 0, 5)
        bob = await world.person("Bob")
        bob.send("say", text="what?", reply=3)
        assert (await bob.line.until("error"))["code"] == "no-such"
        assert (await bob.say("and you?", reply=8))["seq"] == 12


async def test_pages_of_the_past_go_on_behind_it() -> None:
    async with open_hub() as world:
        await spoken(world)
        await erased(world, 2, 10)
        guest = await world.reader()
        guest.send("fetch", after=1)
        page = await guest.line.until("page")
        assert [item["seq"] for item in page["items"]] == [2, 11]
        assert (page["more"], page["last"]) == (False, 11)


async def test_a_room_that_is_not_open_is_not_opened_for_it() -> None:
    async with open_hub() as world:
        await world.history.append(RoomId("other"), [said("a", 0)])
        assert await world.hub.erase(RoomId("other"), T0, T0 + 1) == 1
        assert RoomId("other") not in world.hub._rooms


async def test_other_servers_forget_it_as_well() -> None:
    log = MemoryLog()
    async with open_hub(log) as here, open_hub(log) as there:
        watching = await there.reader()
        await spoken(here)
        await watching.line.until_shown(10)
        there.clock.advance(10_000)
        assert await erased(here, 2, 6) == 4
        await watching.line.until_shown(11)
        for hello in ({}, {"resume": {"epoch": "unknown", "seq": 1}}):
            guest = there.guest()
            await guest.hello(**hello)
            await guest.line.until_shown(11)
            assert guest.line.texts == ["w0", "w1", "w6", "w7", "w8", "w9"]


async def test_who_waits_for_it_is_not_left_waiting_when_the_room_closes() -> None:
    async with open_hub() as world:
        await spoken(world, 1)
        opened = await world.hub.room(ROOM)
        waiting = [asyncio.ensure_future(opened.hear(seq)) for seq in (1, 98, 99)]
        await asyncio.sleep(0)
        assert [one.done() for one in waiting] == [True, False, False]
        waiting[2].cancel()
        await world.hub.close_room(ROOM, "restart")
        await waiting[1]
