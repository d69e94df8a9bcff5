"""Who comes in is told what it missed, completely or not at all, and then all that follows."""

from __future__ import annotations

import pytest

from chat.settings import HubSettings
from tests.chat.hub_world import ROOM, Guest, HubWorld, open_hub

SMALL = HubSettings(resume_entries=20, first_entries=5, recent_entries=8)


async def talk(world: HubWorld, *texts: str) -> Guest:
    """Somebody says this, a second apart."""
    ann = await world.person("Ann", "moderator")
    for text in texts:
        ack = await ann.say(text)
        world.clock.advance(1_000)
    await ann.line.until_shown(ack["seq"])
    return ann


def words(count: int) -> list[str]:
    return [f"word {number}" for number in range(1, count + 1)]


async def test_a_newcomer_gets_the_last_messages_and_the_rooms_state() -> None:
    async with open_hub(settings=SMALL) as world:
        await talk(world, *words(7))
        guest = world.guest()
        welcome = await guest.hello()
        assert (welcome["v"], welcome["recovered"], welcome["seq"]) == (1, False, 7)
        assert welcome["now"] == world.clock.wall_ms()
        assert welcome["state"]["modes"]["slow_s"] == 0
        assert (welcome["state"]["people"], welcome["state"]["people_exact"]) == (2, True)
        await guest.line.until_shown(7)
        assert guest.line.texts == words(7)[2:]


async def test_a_newcomer_who_is_behind_gets_the_messages_before_its_place_and_all_since() -> None:
    async with open_hub(settings=SMALL) as world:
        began_ms = world.clock.wall_ms()
        await talk(world, *words(10))
        guest = world.guest()
        await guest.hello(at=began_ms + 6_500)
        await guest.line.until_shown(10)
        assert guest.line.texts == words(10)[2:]


async def test_who_comes_back_gets_exactly_what_it_missed() -> None:
    async with open_hub(settings=SMALL) as world:
        await talk(world, *words(15))
        epoch = (await world.guest().hello())["epoch"]
        guest = world.guest()
        welcome = await guest.hello(resume={"epoch": epoch, "seq": 3})
        assert welcome["recovered"] is True
        await guest.line.until_shown(15)
        assert guest.line.texts == words(15)[3:]
        assert guest.line.frames[1]["first"] == 4


async def test_who_missed_nothing_gets_nothing() -> None:
    async with open_hub(settings=SMALL) as world:
        ann = await talk(world, *words(3))
        epoch = (await world.guest().hello())["epoch"]
        guest = world.guest()
        assert (await guest.hello(resume={"epoch": epoch, "seq": 3}))["recovered"] is True
        ack = await ann.say("new")
        await guest.line.until_shown(ack["seq"])
        assert guest.line.texts == ["new"]


async def test_who_was_away_for_too_long_is_told_the_gap() -> None:
    async with open_hub(settings=SMALL) as world:
        await talk(world, *words(30))
        epoch = (await world.guest().hello())["epoch"]
        guest = world.guest()
        welcome = await guest.hello(resume={"epoch": epoch, "seq": 3})
        assert welcome["recovered"] is False
        gap = await guest.line.until("gap")
        assert (gap["from"], gap["to"]) == (4, 25)
        await guest.line.until_shown(30)
        assert guest.line.texts == words(30)[25:]


@pytest.mark.parametrize("resume", [{"epoch": "nobody's", "seq": 2}, {"epoch": "", "seq": 99}])
async def test_a_position_that_proves_nothing_is_taken_back(resume: dict[str, object]) -> None:
    async with open_hub(settings=SMALL) as world:
        await talk(world, *words(6))
        epoch = (await world.guest().hello())["epoch"]
        guest = world.guest()
        welcome = await guest.hello(
            resume=resume if resume["epoch"] else {**resume, "epoch": epoch}
        )
        assert welcome["recovered"] is False
        retract = await guest.line.until("retract")
        assert (retract["from"], retract["now_epoch"]) == (1, epoch)


async def test_what_was_trimmed_is_not_called_recovered() -> None:
    async with open_hub(settings=SMALL) as world:
        began_ms = world.clock.wall_ms()
        ann = await talk(world, *words(15))
        epoch = (await world.guest().hello())["epoch"]
        await world.hub.trim(ROOM, began_ms + 4_500)
        guest = world.guest()
        welcome = await guest.hello(resume={"epoch": epoch, "seq": 2})
        assert welcome["recovered"] is False
        assert ann.client.live


async def test_a_deleted_message_is_not_told_to_those_who_come_later() -> None:
    async with open_hub(settings=SMALL) as world:
        ann = await talk(world, "one", "two", "three")
        ann.send("delete", seq=2)
        await ann.line.until("ack")
        guest = await world.reader()
        await guest.line.until_shown(4)
        assert guest.line.texts == ["one", "three"]
        assert guest.line.frames[1]["first"] == 1


async def test_what_is_said_during_the_welcome_is_neither_lost_nor_told_twice() -> None:
    async with open_hub(settings=HubSettings(recent_entries=4)) as world:
        ann = await talk(world, *words(40))
        epoch = (await world.guest().hello())["epoch"]
        guest = world.guest()
        guest.send("hello", v=1, resume={"epoch": epoch, "seq": 1})
        ann.send("say", text="in between")
        ack = await ann.line.until("ack")
        await guest.line.until_shown(ack["seq"])
        assert [item["seq"] for item in guest.line.items] == list(range(2, ack["seq"] + 1))


async def test_who_was_welcomed_may_speak_though_it_is_still_catching_up() -> None:
    async with open_hub(settings=SMALL) as world:
        await talk(world, *words(15))
        bob = world.guest()
        bob.send("hello", v=1, ticket=world.ticket("Bob"))
        await bob.line.until("welcome")
        bob.stall()
        bob.send("say", text="here I am")
        bob.read_on()
        ack = await bob.line.until("ack")
        await bob.line.until_shown(ack["seq"])
        assert bob.line.texts[-1] == "here I am"


async def test_who_does_not_read_during_the_welcome_costs_one_page() -> None:
    async with open_hub(settings=SMALL) as world:
        ann = await talk(world, *words(15))
        guest = world.guest()
        guest.stall()
        guest.send("hello", v=1)
        ack = await ann.say("meanwhile")
        await ann.line.until_shown(ack["seq"])
        guest.read_on()
        await guest.line.until_shown(ack["seq"])
        assert guest.line.texts[-1] == "meanwhile"
