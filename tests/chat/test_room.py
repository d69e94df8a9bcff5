"""The rules of one room."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat import protocol
from chat.entry import Draft, Entry, Epoch, Kind
from chat.judge import Log, Missing, Quiet, Refused, Shadowed
from chat.moderation.rates import Rate, RateSettings
from chat.moderation.settings import RoomSettings
from chat.moderation.words import Words
from chat.people import Person
from chat.protocol import Act, Modes, Punish, Say, Vote
from chat.room import Room
from tests.chat.room_frames import EVERYBODY, NOT_STAFF, state, steps
from tests.chat.room_world import (
    ANA,
    BEN,
    BOT,
    MINUTE_MS,
    MODERATOR,
    NOW_MS,
    OWNER,
    World,
    code,
    person,
    speaker,
)

WORDS = Words(block=["frell"], hold=["smurf"])


# --- messages


def test_a_message_becomes_a_draft_with_everything_that_is_shown() -> None:
    world = World()
    frame = Say("k1", " hi  @ben \u202e:heart: ", seen=NOW_MS - 8_000)
    verdict = world.judge(ANA, frame)
    assert isinstance(verdict, Log)
    (draft,) = verdict.drafts
    assert (draft.kind, draft.key, draft.staff) == ("message", "client:ana:k1", False)
    assert (draft.t_recv, draft.t_seen) == (NOW_MS, NOW_MS - 8_000)
    assert msgspec.json.decode(draft.body) == {
        "id": "k1",
        "user": {"id": "ana", "name": "ana"},
        "text": "hi @ben :heart:",
        "parts": [
            {"t": "text", "v": "hi "},
            {"t": "mention", "v": "ben", "n": "ben"},
            {"t": "text", "v": " "},
            {"t": "emote", "v": "heart"},
        ],
        "seen": NOW_MS - 8_000,
    }


def test_who_only_reads_says_nothing() -> None:
    assert code(World().say(None, "hi")) == "read-only"


@pytest.mark.parametrize("text", [" ", "\u200b\u202e", "x" * 501, "👩‍👩‍👧‍👦" * 81])
def test_what_cannot_be_shown_is_refused(text: str) -> None:
    assert code(World().say(ANA, text)) == "text"


@pytest.mark.parametrize(
    ("seen", "kept"),
    [(NOW_MS + 5_000, NOW_MS), (0, NOW_MS - 7_200_000), (NOW_MS - 1, NOW_MS - 1)],
)
def test_what_the_sender_saw_is_believed_within_the_stream(seen: int, kept: int) -> None:
    verdict = World().judge(ANA, Say("k1", "hi", seen=seen))
    assert isinstance(verdict, Log)
    assert verdict.drafts[0].t_seen == kept


def test_what_was_sent_again_is_one_message_whatever_happened_since() -> None:
    world = World()
    world.say(ANA, "hi", id="k1")
    world.mode(slow_s=600, subscribers_only=True, unique=True)
    assert code(world.say(ANA, "hi", id="k1")) == "log"
    assert world.kinds() == ["message", "mode"]
    assert code(world.say(ANA, "hi", id="k2")) == "subscribers-only"


def test_an_old_id_is_no_way_around_the_rules() -> None:
    world = World()
    world.say(ANA, "hi", id="k1")
    world.mode(slow_s=3_600)
    world.now_ms += 11 * MINUTE_MS
    assert code(world.say(ANA, "buy things", id="k1")) == "slow"


def test_slow_mode_is_the_same_on_every_node() -> None:
    world = World()
    world.mode(slow_s=30)
    world.say(ANA, "hi")
    elsewhere = Room(RoomSettings())
    for entry in world.entries:
        elsewhere.apply(entry)
    verdict = elsewhere.judge(speaker(ANA), Say("k9", "again"), world.now_ms + 10_000)
    assert isinstance(verdict, Refused)
    assert (verdict.code, verdict.retry_ms) == ("slow", 20_000)


def test_what_was_refused_does_not_count_against_slow_mode() -> None:
    world = World()
    world.mode(slow_s=30, links=False)
    assert code(world.say(ANA, "see example.org")) == "links"
    assert code(world.say(ANA, "hi")) == "log"


def test_unique_chat_begins_when_it_is_switched_on() -> None:
    world = World()
    world.say(ANA, "hi")
    world.mode(unique=True)
    assert code(world.say(BEN, "hi")) == "log"
    assert code(world.say(ANA, "HI!")) == "not-unique"
    assert code(world.say(MODERATOR, "hi")) == "log"


def test_floods_are_refused_with_the_time_to_wait() -> None:
    world = World()
    verdicts = [world.say(ANA, f"message {number}") for number in range(21)]
    assert [code(one) for one in verdicts] == ["log"] * 20 + ["rate"]
    assert isinstance(verdicts[-1], Refused)
    assert verdicts[-1].retry_ms == 2_000
    assert code(world.say(BEN, "hi")) == "log"


def test_a_connection_is_counted_before_anything_else() -> None:
    world = World(RoomSettings(rates=RateSettings(connection=Rate(1.0, 2))))
    assert [code(world.say(None, "hi")) for _ in range(3)] == ["read-only", "read-only", "rate"]


LONG_NAME = "\u1e63\u0307" * 16
WORST = [
    f"@{LONG_NAME} ",
    '"',
    "\\",
    ":fire:",
    "a:sad:",
    "https://\u00e4.de/" + "\u6f22" * 80 + " ",
    "\U0001f525",
]


@pytest.mark.parametrize("text", WORST, ids=range(len(WORST)))
def test_the_longest_message_fits_into_a_batch_and_so_does_its_pin(text: str) -> None:
    world = World()
    world.room.admit(person("u" * 64, name=LONG_NAME), NOW_MS)
    most = min(500 // len(text), 2_000 // len(text.encode()))
    world.say(ANA, text * most)
    world.do(MODERATOR, protocol.Pin(world.id(), 1))
    assert world.kinds() == ["message", "pin"]
    assert max(len(entry.wire) for entry in world.entries) < protocol.BATCH_BYTES


# --- replies


def test_a_reply_shows_what_it_answers() -> None:
    world = World()
    world.say(BEN, "x" * 100)
    world.say(ANA, "no", reply=1)
    assert world.body()["reply"] == {"seq": 1, "name": "ben", "text": "x" * 79 + "…"}


def test_a_reply_to_what_is_not_there_is_refused() -> None:
    world = World()
    world.say(BEN, "oops")
    world.mode(slow_s=0, hold=True)
    world.do(BEN, protocol.Delete(world.id(), 1))
    assert [code(world.say(ANA, "no", reply=seq)) for seq in (0, 1, 99)] == ["reply"] * 3
    world.say(BEN, "held")
    assert code(world.say(ANA, "no", reply=world.last)) == "reply"


def test_an_old_message_is_read_from_the_log() -> None:
    world = World(RoomSettings(lines=3))
    for number in range(5):
        world.say(BEN, f"message {number}")
    assert world.judge(ANA, Say("k", "no", reply=1)) == Missing(1)
    assert code(world.say(ANA, "no", reply=1)) == "log"
    assert code(world.do(MODERATOR, protocol.Delete(world.id(), 2))) == "log"


# --- moderators' lists and shadows


def test_a_blocked_word_is_refused_and_a_suspect_one_waits() -> None:
    world = World(RoomSettings(words=WORDS))
    assert code(world.say(ANA, "fr3ll")) == "text"
    verdict = world.say(ANA, "smurf")
    assert isinstance(verdict, Log)
    assert verdict.held
    assert world.body()["why"] == "words"
    assert code(world.say(MODERATOR, "frell")) == "log"
    assert world.kinds() == ["held", "message"]


def test_a_shadowed_person_sees_no_difference() -> None:
    world = World()
    world.do(MODERATOR, Punish(world.id(), "shadow", "ben"))
    said = world.say(BEN, "anybody?", id="k1")
    assert isinstance(said, Shadowed)
    assert (world.kinds()[-1], world.entries[-1].staff) == ("held", True)
    assert world.body()["why"] == "shadow"
    own = world.last
    assert world.room.you(BEN, world.now_ms).may_say
    assert code(world.say(BEN, "hello?", reply=own)) == "shadowed"
    assert code(world.say(BEN, "anybody?", id="k1")) == "shadowed"
    assert code(world.do(BEN, protocol.Delete(world.id(), own))) == "log"
    assert all(entry.staff for entry in world.entries)


def test_what_waits_is_told_the_same_in_the_shadow() -> None:
    world = World(RoomSettings(words=WORDS))
    world.do(MODERATOR, Punish(world.id(), "shadow", "ben"))
    for who in (ANA, BEN):
        verdict = world.say(who, "smurf")
        assert isinstance(verdict, Log)
        assert verdict.held
    assert world.body()["why"] == "shadow"


def test_modes_hold_for_shadowed_people_too() -> None:
    world = World()
    world.do(MODERATOR, Punish(world.id(), "shadow", "ben"))
    world.mode(slow_s=60)
    assert [code(world.say(BEN, "a")), code(world.say(BEN, "b"))] == ["shadowed", "slow"]


# --- votes


def test_a_vote_is_taken_while_the_poll_is_open() -> None:
    world = World()
    world.do(MODERATOR, protocol.OpenPoll(world.id(), "Tea?", ["yes", "no"], 60))
    assert code(world.do(ANA, Vote("v1", 1, 0))) == "quiet"
    assert [code(world.do(ANA, Vote("v", 1, 2))), code(world.do(ANA, Vote("v", 2, 0)))] == [
        "poll", "poll",
    ]  # fmt: skip
    assert code(world.do(None, Vote("v", 1, 0))) == "read-only"
    world.now_ms += 60_000
    assert code(world.do(BEN, Vote("v2", 1, 0))) == "poll"


def test_the_votes_of_the_shadowed_are_not_counted() -> None:
    world = World()
    world.do(MODERATOR, Punish(world.id(), "shadow", "ben"))
    world.do(MODERATOR, protocol.OpenPoll(world.id(), "Tea?", ["yes", "no"], 60))
    assert code(world.do(BEN, Vote("v", 2, 0))) == "quiet"
    poll = world.room.view(0).poll
    assert poll is not None
    assert poll.votes == [0, 0]


def test_a_poll_ends_when_its_time_is_over_and_once() -> None:
    world = World()
    world.do(MODERATOR, protocol.OpenPoll(world.id(), "Tea?", ["yes", "no"], 60))
    world.do(ANA, Vote("v1", 1, 1))
    assert world.room.due(world.now_ms + 59_999) == ()
    world.now_ms += 60_000
    twice = [*world.room.due(world.now_ms), *world.room.due(world.now_ms)]
    for draft in twice:
        world.append(draft)
    assert world.kinds() == ["poll", "poll_end"]
    assert world.body() == {"poll": 1, "votes": [0, 1]}
    assert world.room.due(world.now_ms) == ()


# --- people


def test_a_guest_whose_name_somebody_has_does_not_come_in() -> None:
    world = World()
    guest = world.room.admit(person("guest:1", name="\u0410n\u0430"), NOW_MS)
    assert isinstance(guest, Refused)
    assert guest.code == "not-welcome"


def test_a_guest_whose_name_was_taken_over_says_nothing_more() -> None:
    world = World()
    guest = world.room.admit(person("guest:1", name="Zoe"), NOW_MS)
    assert isinstance(guest, Person)
    assert code(world.say(guest, "hi")) == "log"
    world.room.admit(person("zoe", name="Zoe"), NOW_MS)
    assert code(world.say(guest, "hi again")) == "not-welcome"


def test_people_are_told_what_they_are_and_may() -> None:
    world = World()
    you = world.room.you(None, NOW_MS)
    assert (you.id, you.may_say) == (None, False)
    world.append(Draft("subscription", b'{"user":"ben","until":%d}' % (NOW_MS + 1_000), NOW_MS))
    world.mode(subscribers_only=True)
    told = {str(who.id): world.room.you(who, NOW_MS) for who in (ANA, BEN, BOT, MODERATOR)}
    assert {id: you.may_say for id, you in told.items()} == {
        "ana": False, "ben": True, "beep": True, "mia": True,
    }  # fmt: skip
    assert told["ben"].roles == ["subscriber"]
    assert not world.room.you(BEN, NOW_MS + 1_000).may_say
    world.do(MODERATOR, Punish(world.id(), "timeout", "ben", seconds=1))
    assert not world.room.you(BEN, NOW_MS).may_say


# --- the log


def test_what_was_taken_away_is_hidden_from_history() -> None:
    world = World(RoomSettings(lines=2))
    for text in ("one", "two", "three"):
        world.say(BEN, text)
    world.say(ANA, "four")
    world.do(MODERATOR, protocol.Delete(world.id(), 4))
    world.do(MODERATOR, Punish(world.id(), "ban", "ben"))
    assert [world.room.hides(entry) for entry in world.entries] == [True] * 4 + [False] * 2


def test_after_a_takeover_the_room_is_what_the_new_log_says() -> None:
    world = World()
    world.mode(slow_s=5)
    kept = list(world.entries)
    world.do(OWNER, Punish(world.id(), "ban", "ben"))
    world.room.forget()
    for entry in kept:
        world.room.apply(entry)
    assert world.room.view(0).modes == Modes(slow_s=5)
    assert world.room.you(BEN, NOW_MS).may_say
    verdict = world.room.judge(speaker(OWNER), Punish("p", "ban", "mia"), NOW_MS)
    assert isinstance(verdict, Log)
    verdict = world.room.judge(speaker(MODERATOR), Punish("p", "ban", "olga"), NOW_MS)
    assert code(verdict) == "rights", "who is who by tokens is not forgotten"


def test_votes_outlive_a_takeover_that_keeps_the_poll() -> None:
    world = World()
    world.do(MODERATOR, protocol.OpenPoll(world.id(), "Tea?", ["yes", "no"], 60))
    world.do(ANA, Vote("v1", 1, 1))
    world.room.forget()
    world.room.apply(world.entries[0])
    poll = world.room.view(0).poll
    assert poll is not None
    assert poll.votes == [0, 1]


@pytest.mark.parametrize("body", [b"{}", b"\xff", b'{"user":{"name":"\xff"}}', b'{"user":5}'])
@pytest.mark.parametrize("kind", ["message", "ban", "pin", "held"])
def test_an_entry_that_cannot_be_read_is_counted_and_nothing_else(kind: Kind, body: bytes) -> None:
    room = Room(RoomSettings())
    entry = Entry(Epoch("e"), 1, 0, None, 0, kind, body, None, False)
    room.apply(entry)
    assert not room.hides(entry)
    room.recall(replace(entry, seq=2))
    if kind != "message" or body != b"{}":
        assert room.unreadable >= 1


# --- what must hold whatever people send


@settings(max_examples=60)
@given(steps(NOT_STAFF))
def test_nobody_else_than_staff_changes_the_room(sent: list[tuple[Person | None, Act]]) -> None:
    world = World(RoomSettings(words=WORDS))
    before = state(world.room)
    for who, frame in sent:
        world.now_ms += 5_000
        world.do(who, frame)
    assert state(world.room) == before
    assert {entry.kind for entry in world.entries} <= {"message", "held", "delete", "settled"}


@settings(max_examples=60)
@given(steps(EVERYBODY))
def test_a_room_read_from_its_log_is_the_room_that_wrote_it(
    sent: list[tuple[Person | None, Act]],
) -> None:
    world = World(RoomSettings(words=WORDS))
    for who, frame in sent:
        world.now_ms += 1_000
        verdict = world.do(who, frame)
        assert isinstance(verdict, Log | Quiet | Shadowed | Refused)
    elsewhere = Room(world.settings)
    for entry in world.entries:
        elsewhere.apply(entry)
        elsewhere.apply(entry)
    assert state(elsewhere) == state(world.room)
    hidden = [world.room.hides(entry) for entry in world.entries]
    assert [elsewhere.hides(entry) for entry in world.entries] == hidden
    assert world.room.unreadable == elsewhere.unreadable == 0


@settings(max_examples=60)
@given(steps(EVERYBODY))
def test_no_body_tells_the_public_what_only_staff_may_know(
    sent: list[tuple[Person | None, Act]],
) -> None:
    world = World(RoomSettings(words=WORDS))
    for who, frame in sent:
        world.now_ms += 1_000
        world.do(who, frame)
    for entry in world.entries:
        assert entry.staff or entry.kind not in ("held", "settled")
        assert entry.staff or b'"shadow":true' not in entry.body
        assert msgspec.json.decode(entry.wire, type=dict[str, object])["seq"] == entry.seq


@settings(max_examples=60)
@given(steps(EVERYBODY), st.lists(st.tuples(st.booleans(), st.integers(0, 3)), max_size=30))
def test_nodes_that_hear_late_agree_in_the_end(
    sent: list[tuple[Person | None, Act]], heard: list[tuple[bool, int]]
) -> None:
    world = World(RoomSettings(words=WORDS))
    nodes, reached = [world.room, Room(world.settings)], [0, 0]
    for (who, frame), (second, lag) in zip(sent, heard, strict=False):
        world.now_ms += 1_000
        until = max(reached[second], world.last - lag)
        for entry in world.entries[reached[second] : until]:
            nodes[second].apply(entry)
        reached[second] = until
        verdict = nodes[second].judge(speaker(who), frame, world.now_ms)
        if isinstance(verdict, Log | Shadowed):
            for draft in verdict.drafts:
                world.log(draft)
    for entry in world.entries * 2:
        for node in nodes:
            node.apply(entry)
    assert state(nodes[0]) == state(nodes[1])
    settled = [entry.key for entry in world.entries if (entry.key or "").startswith("settled:")]
    assert len(settled) == len(set(settled))
