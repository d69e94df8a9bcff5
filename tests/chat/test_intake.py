"""Everything a client can send that is wrong: a documented code, and nothing else disturbed."""

from __future__ import annotations

import json

import pytest

from chat.moderation.settings import RoomSettings
from chat.settings import HubSettings
from tests.chat.hub_world import ROOM, open_hub

LONG = "x" * 2_001

MALFORMED = [
    (b"", "malformed"),
    (b"\xff\xfe", "malformed"),
    (b"{", "malformed"),
    (b"[]", "malformed"),
    (b'"say"', "malformed"),
    (b"null", "malformed"),
    (b"[" * 4_000, "malformed"),
    (b"{}", "malformed"),
    (b'{"op":7}', "unknown-op"),
    (b'{"op":"explode","id":"a"}', "unknown-op"),
    (b'{"op":"say","id":"a"}', "malformed"),
    (b'{"op":"say","id":"a b","text":"x"}', "malformed"),
    (b'{"op":"say","id":"a","text":""}', "malformed"),
    (b'{"op":"say","id":"a","text":7}', "malformed"),
    (b'{"op":"say","id":"a","text":"x","admin":true}', "malformed"),
    (json.dumps({"op": "say", "id": "a", "text": LONG}).encode(), "malformed"),
    (b'{"op":"react","emote":"heart","n":21}', "malformed"),
    (b'{"op":"vote","id":"a","poll":1,"option":-1}', "malformed"),
    (b'{"op":"fetch","id":"a","after":1e400}', "malformed"),
    (b'{"op":"fetch","id":"a"}', "malformed"),
    (b'{"op":"fetch","id":"a","since":1}', "malformed"),
    (b'{"op":"fetch","id":"a","after":1,"since":1}', "malformed"),
    (b'{"op":"hello","v":1}', "not-welcome"),
    (b'{"op":"react","emote":"nothing"}', "no-such"),
    (b" " * 4_097, "too-large"),
]


@pytest.mark.parametrize(("frame", "code"), MALFORMED, ids=lambda value: str(value)[:40])
async def test_a_frame_that_is_wrong_is_answered_and_disturbs_nobody(
    frame: bytes, code: str
) -> None:
    async with open_hub() as world:
        ann, bob = await world.person("Ann"), await world.person("Bob")
        world.hub.take(ann.client, frame)
        error = await ann.line.until("error")
        assert error["code"] == code
        assert error["detail"]
        ack = await ann.say("still here")
        await bob.line.until_shown(ack["seq"])
        assert bob.line.texts == ["still here"]
        assert not [one for one in bob.line.frames if one["op"] == "error"]


async def test_the_answer_names_the_frame_where_it_has_a_name() -> None:
    async with open_hub() as world:
        ann = await world.person("Ann")
        world.hub.take(ann.client, b'{"op":"say","id":"mine","text":7}')
        assert (await ann.line.until("error"))["id"] == "mine"


async def test_who_sends_too_many_unreadable_frames_is_closed() -> None:
    async with open_hub(settings=HubSettings(malformed_most=3)) as world:
        ann = await world.person("Ann")
        for _ in range(4):
            world.hub.take(ann.client, b"{")
        assert ann.line.closed == "malformed"


async def test_before_hello_nothing_else_is_taken() -> None:
    async with open_hub() as world:
        guest = world.guest()
        guest.send("say", text="hi")
        assert (await guest.line.until("error"))["code"] == "not-welcome"


async def test_a_flood_is_told_to_wait_and_then_closed() -> None:
    async with open_hub(settings=HubSettings(frame_rate=10, frame_burst=3)) as world:
        ann = await world.person("Ann")
        ids = [ann.send("ping") for _ in range(3)]
        error = await ann.line.until("error")
        assert (error["code"], error["id"]) == ("rate", ids[-1])
        assert error["retry_ms"] > 0
        world.clock.advance(1_000)
        ann.send("ping")
        await ann.line.until("pong")
        for _ in range(110):
            ann.send("ping")
        assert ann.line.closed == "flood"


async def test_a_steady_flood_is_closed_though_a_frame_comes_through_now_and_then() -> None:
    async with open_hub(settings=HubSettings(frame_rate=10, frame_burst=3)) as world:
        ann, bob = await world.person("Ann"), await world.person("Bob")
        for _ in range(60):
            world.clock.advance(100)
            bob.send("ping")
            for _ in range(5):
                ann.send("ping")
        assert (ann.line.closed, bob.line.closed) == ("flood", None)


async def test_who_was_too_fast_for_a_moment_is_forgiven() -> None:
    async with open_hub(settings=HubSettings(frame_rate=10, frame_burst=3)) as world:
        ann = await world.person("Ann")
        for _ in range(4):
            for _ in range(60):
                ann.send("ping")
            for _ in range(80):
                world.clock.advance(100)
                ann.send("ping")
        assert ann.line.closed is None


async def test_ping_tells_the_servers_time() -> None:
    async with open_hub() as world:
        ann = await world.person("Ann")
        id = ann.send("ping")
        pong = await ann.line.until("pong")
        assert (pong["id"], pong["now"]) == (id, world.clock.wall_ms())


async def test_reactions_are_summed_for_everybody_and_kept_for_the_recording() -> None:
    async with open_hub() as world:
        ann, reader = await world.person("Ann"), await world.reader()
        at_ms = world.clock.wall_ms() - 3_000
        for _ in range(5):
            ann.send("react", emote="heart", n=4, at=at_ms)
        room = await world.hub.room(ROOM)
        room.send_sums()
        second = at_ms // 1_000
        assert reader.line.hearts == [{"op": "hearts", "sums": [[second * 1_000, "heart", 20]]}]
        await world.hub.second()
        (total,) = await world.history.hearts(ROOM, second, second + 1)
        assert total.count == 20


async def test_too_many_reactions_are_dropped_with_a_word() -> None:
    async with open_hub(settings=HubSettings(reaction_rate=1, reaction_burst=20)) as world:
        reader = await world.reader()
        reader.send("react", emote="heart", n=20)
        reader.send("react", emote="heart", n=1)
        assert (await reader.line.until("error"))["code"] == "rate"


async def test_a_seq_that_was_never_there_is_no_such_message() -> None:
    async with open_hub() as world:
        mod = await world.person("Mia", "moderator")
        mod.send("delete", seq=2**52)
        assert (await mod.line.until("error"))["code"] == "no-such"


async def test_a_message_out_of_memory_is_read_from_the_log_before_it_is_judged() -> None:
    async with open_hub(rules=RoomSettings(lines=2)) as world:
        ann = await world.person("Ann")
        first = await ann.say("long ago")
        for text in ("then", "later", "now"):
            await ann.say(text)
        mod = await world.person("Mia", "moderator")
        mod.send("delete", seq=first["seq"])
        ack = await mod.line.until("ack")
        await ann.line.until_shown(ack["seq"])
        assert ann.line.items[-1]["of"] == first["seq"]


async def test_a_held_message_is_acknowledged_as_held_and_shown_to_staff_alone() -> None:
    async with open_hub() as world:
        ann, mod = await world.person("Ann"), await world.person("Mia", "moderator")
        mod.send("mode", hold=True)
        await mod.line.until("ack")
        ack = await ann.say("may I?")
        assert (ack["held"], ack["seq"]) == (True, 0)
        await mod.line.until_shown(2)
        await ann.line.until_shown(2)
        assert [item["kind"] for item in mod.line.items] == ["mode", "held"]
        assert [item["kind"] for item in ann.line.items] == ["mode"]
        mod.send("settle", held=2, approve=True)
        await mod.line.until("ack")
        await ann.line.until_shown(4)
        assert ann.line.texts == ["may I?"]


async def test_a_shadowed_person_gets_an_ack_like_any_other() -> None:
    async with open_hub() as world:
        ann, bob = await world.person("Ann"), await world.person("Bob")
        mod = await world.person("Mia", "moderator")
        plain = await ann.say("hello")
        mod.send("punish", act="shadow", user="ann")
        await mod.line.until("ack")
        shadowed = await ann.say("anybody?")
        assert shadowed.keys() == plain.keys()
        assert (shadowed["held"], shadowed["seq"] > plain["seq"]) == (False, True)
        await bob.line.until_shown(shadowed["seq"])
        assert bob.line.texts == ["hello"]


async def test_votes_are_tallied_for_everybody() -> None:
    async with open_hub() as world:
        ann, mod = await world.person("Ann"), await world.person("Mia", "moderator")
        mod.send("poll", question="Which?", options=["this", "that"])
        opened = await mod.line.until("ack")
        ann.send("vote", poll=opened["seq"], option=1)
        assert (await ann.line.until("ack"))["seq"] == 0
        await world.hub.second()
        assert (await ann.line.until("tally"))["votes"] == [0, 1]


async def test_a_poll_ends_by_its_time() -> None:
    async with open_hub() as world:
        mod = await world.person("Mia", "moderator")
        mod.send("poll", question="Which?", options=["this", "that"], seconds=10)
        opened = await mod.line.until("ack")
        world.clock.advance(11_000)
        await world.hub.second()
        await world.hub.second()
        await mod.line.until_shown(opened["seq"] + 1)
        assert [item["kind"] for item in mod.line.items] == ["poll", "poll_end"]
