"""The hub: people come in, speak, hear each other, and are sent away for a reason."""

from __future__ import annotations

import pytest

from chat.entry import Draft, RoomId
from chat.full import Full
from chat.settings import HubSettings
from sluice.auth import Grant
from tests.chat.hub_world import ROOM, ListLine, open_hub


async def test_a_message_reaches_everybody_once_and_in_one_order() -> None:
    async with open_hub() as world:
        ann, bob, reader = (
            await world.person("Ann"),
            await world.person("Bob"),
            await world.reader(),
        )
        first = await ann.say("hello")
        second = await bob.say("hi there")
        for guest in (ann, bob, reader):
            await guest.line.until_shown(second["seq"])
            assert guest.line.texts == ["hello", "hi there"]
            assert [item["seq"] for item in guest.line.items] == [first["seq"], second["seq"]]


async def test_a_message_that_is_sent_again_is_acknowledged_with_its_first_number() -> None:
    async with open_hub() as world:
        ann = await world.person("Ann")
        ann.send("say", text="once")
        first = await ann.line.until("ack")
        frame = b'{"op":"say","id":"%s","text":"once"}' % first["id"].encode()
        world.hub.take(ann.client, frame)
        again = await ann.line.until("ack")
        assert (again["id"], again["seq"]) == (first["id"], first["seq"])
        other = await ann.say("other words")
        await ann.line.until_shown(other["seq"])
        assert ann.line.texts == ["once", "other words"]


async def test_who_shows_no_ticket_reads_and_cannot_write() -> None:
    async with open_hub() as world:
        reader = world.guest()
        welcome = await reader.hello()
        assert welcome["you"]["id"] is None
        reader.send("say", text="let me")
        assert (await reader.line.until("error"))["code"] == "read-only"


async def test_a_room_that_is_not_public_needs_a_ticket() -> None:
    async with open_hub() as world:
        world.public = False
        stranger = world.guest()
        stranger.send("hello", v=1)
        assert await stranger.line.until_closed() == "ticket"
        await world.person("Ann")


async def test_a_ticket_opens_once() -> None:
    async with open_hub() as world:
        ticket = world.ticket("Ann")
        first, second = world.guest(), world.guest()
        assert (await first.hello(ticket=ticket))["you"]["name"] == "Ann"
        second.send("hello", v=1, ticket=ticket)
        assert await second.line.until_closed() == "ticket"


async def test_who_says_no_hello_is_closed_after_five_seconds() -> None:
    async with open_hub() as world:
        silent, reader = world.guest(), await world.reader()
        world.clock.advance(4_999)
        await world.hub.second()
        assert not silent.client.closed
        world.clock.advance(1)
        await world.hub.second()
        assert silent.line.closed == "no-hello"
        assert reader.line.closed is None


async def test_a_guest_with_somebody_elses_name_is_told_so_and_closed() -> None:
    async with open_hub() as world:
        await world.person("Ann", "moderator")
        twin = world.guest()
        # It begins with a Greek letter.
        twin.send("hello", v=1, ticket=world.ticket("\u0391nn", id="guest:1"))
        assert await twin.line.until_closed() == "name"


async def test_another_version_is_told_to_reload() -> None:
    async with open_hub() as world:
        guest = world.guest()
        guest.send("hello", v=2)
        assert await guest.line.until_closed() == "version"


async def test_there_is_room_for_so_many_in_all_and_from_one_address() -> None:
    async with open_hub(settings=HubSettings(connections=3, per_address=2)) as world:
        first, _ = world.guest(), world.guest()
        with pytest.raises(Full, match="address"):
            world.guest()
        world.guest("198.51.100.1")
        with pytest.raises(Full, match="all"):
            world.guest("203.0.113.1")
        first.leave()
        world.guest()


async def test_so_many_rooms_are_open_and_an_empty_one_is_forgotten_after_a_while() -> None:
    async with open_hub(settings=HubSettings(rooms=1)) as world:
        guest = await world.reader()
        with pytest.raises(Full, match="rooms"):
            await world.hub.room(RoomId("other"))
        guest.leave()
        world.clock.advance(60_000)
        await world.hub.second()
        await world.hub.room(RoomId("other"))


async def test_a_permission_that_ends_closes_its_clients_alone() -> None:
    async with open_hub() as world:
        token = Grant("token", jti="one")
        guest = world.guest()
        await guest.hello(ticket=world.ticket("Ann", grant=token))
        other = await world.person("Bob")
        world.hub.close_if(lambda room, grant: grant == token)
        assert guest.line.closed == "ended"
        assert other.line.closed is None


async def test_a_user_token_ends_in_the_room_too() -> None:
    async with open_hub() as world:
        guest = world.guest()
        until_ms = world.clock.now_ms() + 10_000
        await guest.hello(ticket=world.ticket("Ann", until_ms=until_ms))
        world.clock.advance(9_999)
        await world.hub.second()
        assert guest.line.closed is None
        world.clock.advance(1)
        await world.hub.second()
        assert guest.line.closed == "ended"


async def test_an_entry_of_the_servers_own_reaches_everybody_once() -> None:
    async with open_hub() as world:
        reader = await world.reader()
        draft = Draft("alert", b'{"what":"donation"}', world.clock.wall_ms(), key="donation:1")
        first = await world.hub.append(ROOM, draft)
        again = await world.hub.append(ROOM, draft)
        assert (again.seq, again.repeated) == (first.seq, True)
        await reader.line.until_shown(first.seq)
        assert [item["kind"] for item in reader.line.items] == ["alert"]


async def test_a_server_that_stops_sends_everybody_away_and_takes_nobody() -> None:
    async with open_hub() as world:
        reader = await world.reader()
        world.hub.begin_stop()
        assert reader.line.closed == "restart"
        with pytest.raises(Full, match="stopping"):
            world.hub.connect(ListLine(), ROOM, "192.0.2.9")


async def test_a_deleted_channels_clients_are_told_that_it_is_gone() -> None:
    async with open_hub() as world:
        reader = await world.reader()
        await world.hub.close_room(ROOM, "gone")
        assert reader.line.closed == "gone"


async def test_what_happens_is_counted() -> None:
    async with open_hub() as world:
        ann, reader = await world.person("Ann"), await world.reader()
        ack = await ann.say("hello")
        await reader.line.until_shown(ack["seq"])
        reader.leave()
        await world.hub.second()
        counts = world.hub.counts
        assert (counts.connections, counts.rooms, counts.people) == (1, 1, 1)
        assert counts.entries == {"message": 1}
        assert counts.deliveries == 2
        assert counts.closed == {"left": 1}
        assert counts.tickets == {"redeemed": 1}
