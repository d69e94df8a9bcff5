"""What people do to a room and to each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat import protocol
from chat.entry import Draft
from chat.judge import Log, Quiet
from chat.people import Person, Role, UserId, rank
from chat.protocol import Act, Modes, Punish
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
)

SECOND = person("max", "moderator", name="Max")
ID = "act1"


def punish(act: str, user: str, **more: object) -> protocol.Punish:
    return protocol.Punish(ID, act, user, **more)  # type: ignore[arg-type]


ACTS_OF_STAFF: list[Act] = [
    punish("timeout", "ben"),
    punish("ban", "ben"),
    punish("shadow", "ben"),
    punish("pardon", "ben"),
    protocol.Mode(ID, slow_s=5),
    protocol.Pin(ID, 1),
    protocol.Settle(ID, 1, True),
    protocol.Appoint(ID, "ben", True),
    protocol.OpenPoll(ID, "Tea?", ["yes", "no"]),
    protocol.ClosePoll(ID, 1),
    protocol.Delete(ID, 1),
]


@pytest.mark.parametrize("act", ACTS_OF_STAFF, ids=lambda act: type(act).__name__)
@pytest.mark.parametrize(
    "who", [ANA, BOT, person("sue", "subscriber"), person("guest:1")], ids=lambda who: who.id
)
def test_only_staff_act(who: Person, act: Act) -> None:
    world = World()
    world.say(BEN, "hello")
    assert code(world.do(who, act)) == "rights"
    assert world.kinds() == ["message"]


@pytest.mark.parametrize("act", ACTS_OF_STAFF, ids=lambda act: type(act).__name__)
def test_who_only_reads_does_nothing(act: Act) -> None:
    assert code(World().do(None, act)) == "read-only"


# --- deletes


def test_people_take_back_their_own_for_ten_minutes() -> None:
    world = World()
    world.say(ANA, "oops")
    world.now_ms += 10 * MINUTE_MS
    assert code(world.do(ANA, protocol.Delete(ID, 1))) == "log"
    assert world.body() == {"of": 1, "by": "ana"}
    world.say(ANA, "oops again")
    world.now_ms += 10 * MINUTE_MS + 1
    assert code(world.do(ANA, protocol.Delete(world.id(), 3))) == "rights"
    assert code(world.do(MODERATOR, protocol.Delete(world.id(), 3))) == "log"


def test_others_messages_are_for_moderators_and_never_those_of_equals() -> None:
    world = World()
    for who in (BEN, SECOND, OWNER):
        world.say(who, f"I am {who.name}")
    assert code(world.do(ANA, protocol.Delete(ID, 1))) == "rights"
    deleted = [code(world.do(MODERATOR, protocol.Delete(world.id(), seq))) for seq in (1, 2, 3)]
    assert deleted == ["log", "rights", "rights"]


def test_what_is_gone_is_deleted_without_an_entry() -> None:
    world = World()
    world.say(ANA, "oops")
    world.do(ANA, protocol.Delete(world.id(), 1))
    assert code(world.do(MODERATOR, protocol.Delete(world.id(), 1))) == "quiet"
    assert world.kinds() == ["message", "delete"]


@pytest.mark.parametrize("seq", [0, 2, 99, 2**53 - 1])
def test_what_never_was_is_not_there(seq: int) -> None:
    world = World()
    world.say(ANA, "hi")
    world.do(MODERATOR, protocol.Mode(world.id(), slow_s=1))
    assert code(world.do(MODERATOR, protocol.Delete(ID, seq))) == "no-such"


def test_an_alerts_text_can_be_taken_away() -> None:
    world = World()
    body = b'{"what":"donation","user":{"name":"Zoe"},"text":"rude"}'
    world.append(Draft("alert", body, world.now_ms))
    assert code(world.do(ANA, protocol.Delete(world.id(), 1))) == "rights"
    assert code(world.do(MODERATOR, protocol.Delete(world.id(), 1))) == "log"
    assert world.room.hides(world.entries[0])


def test_an_alert_outlives_its_donors_ban() -> None:
    world = World()
    body = b'{"what":"donation","user":{"id":"ben","name":"ben"},"text":"thanks"}'
    world.append(Draft("alert", body, world.now_ms))
    world.do(MODERATOR, protocol.Pin(world.id(), 1))
    world.do(MODERATOR, punish("ban", "ben"))
    assert not world.room.hides(world.entries[0])
    assert world.room.view(0).pin is not None
    assert code(world.do(MODERATOR, protocol.Delete(world.id(), 1))) == "log"
    assert world.room.view(0).pin is None


# --- punishments


def test_a_timeout_ends_by_itself() -> None:
    world = World()
    world.say(BEN, "hi")
    world.do(MODERATOR, punish("timeout", "ben", seconds=60, reason=" too loud "))
    until = world.now_ms + 60_000
    assert world.body() == {
        "user": "ben", "name": "ben", "until": until, "by": "mia", "reason": "too loud", "rank": 3,
    }  # fmt: skip
    assert code(world.say(BEN, "again")) == "muted"
    assert code(world.do(BEN, protocol.Delete(world.id(), 1))) == "quiet", "it is gone already"
    world.now_ms = until
    assert code(world.say(BEN, "again")) == "log"


def test_a_ban_holds_until_it_is_taken_back() -> None:
    world = World()
    world.do(MODERATOR, punish("ban", "ben"))
    world.now_ms += 10**9
    assert code(world.say(BEN, "hi")) == "banned"
    assert code(world.do(MODERATOR, protocol.Punish(world.id(), "pardon", "ben"))) == "log"
    assert code(world.say(BEN, "hi")) == "log"


@pytest.mark.parametrize("act", ["timeout", "ban", "shadow", "pardon"])
@pytest.mark.parametrize("user", [MODERATOR, SECOND, OWNER], ids=lambda who: who.id)
def test_nobody_acts_on_the_same_rank_or_above(act: str, user: Person) -> None:
    world = World()
    world.say(SECOND, "I am here")
    assert code(world.do(MODERATOR, punish(act, user.id))) == "rights"
    assert world.kinds() == ["message"]


ROLES: list[Role] = ["owner", "moderator", "bot", "subscriber", "viewer"]


@given(st.sets(st.sampled_from(ROLES)), st.sets(st.sampled_from(ROLES)))
def test_who_bans_is_always_above_who_is_banned(mine: set[Role], theirs: set[Role]) -> None:
    world = World()
    who = Person(UserId("who"), "who", mine)
    whom = Person(UserId("whom"), "whom", theirs)
    for one in (who, whom):
        world.room.admit(one, NOW_MS)
    verdict = world.do(who, Punish("p", "ban", "whom"))
    if isinstance(verdict, Log):
        assert rank(mine) > rank(theirs)
    assert world.room.you(whom, NOW_MS).may_say is not isinstance(verdict, Log)


def test_the_owner_acts_on_moderators() -> None:
    world = World()
    assert code(world.do(OWNER, punish("ban", "mia"))) == "log"
    assert code(world.do(MODERATOR, protocol.Mode(ID, slow_s=5))) == "banned"


def test_of_a_shadow_and_its_end_only_staff_learns() -> None:
    world = World()
    world.do(MODERATOR, punish("shadow", "ben"))
    world.do(MODERATOR, protocol.Punish(world.id(), "pardon", "ben"))
    assert world.kinds() == ["ban", "unban"]
    assert all(entry.staff for entry in world.entries)
    assert code(world.do(MODERATOR, protocol.Punish(world.id(), "pardon", "ben"))) == "quiet"


def test_the_end_of_a_shadow_and_a_ban_is_told_to_all() -> None:
    world = World()
    world.do(MODERATOR, punish("shadow", "ben"))
    world.do(MODERATOR, protocol.Punish(world.id(), "ban", "ben"))
    world.do(MODERATOR, protocol.Punish(world.id(), "pardon", "ben"))
    assert [entry.staff for entry in world.entries] == [True, False, False]
    assert code(world.say(BEN, "hi")) == "log"


@pytest.mark.parametrize("user", ["b n", "<b>", "a\nb", "ä", "x/y", "\u202e"])
def test_an_id_that_nobody_can_have_is_refused(user: str) -> None:
    world = World()
    assert code(world.do(OWNER, punish("ban", user))) == "no-such"
    assert code(world.do(OWNER, protocol.Appoint(ID, user, True))) == "no-such"


def test_a_reason_that_is_not_fit_is_refused() -> None:
    reason = "\u202e\u202c"
    assert code(World().do(MODERATOR, punish("ban", "ben", reason=reason))) == "text"


# --- modes, pins, roles


def test_a_mode_changes_what_it_names_and_leaves_the_rest() -> None:
    world = World()
    world.mode(slow_s=5)
    world.mode(links=False)
    assert world.room.view(0).modes == Modes(slow_s=5, links=False)
    assert world.body()["by"] == "mia"
    assert isinstance(world.mode(links=False), Quiet)
    assert world.kinds() == ["mode", "mode"]


def test_a_message_is_pinned_as_clients_got_it() -> None:
    world = World()
    world.say(ANA, "read this")
    assert code(world.do(MODERATOR, protocol.Pin(world.id(), 1))) == "log"
    pinned = world.room.view(0).pin
    assert pinned is not None
    assert bytes(pinned) == world.entries[0].wire
    assert code(world.do(MODERATOR, protocol.Pin(world.id(), 0))) == "log"
    assert world.room.view(0).pin is None
    assert code(world.do(MODERATOR, protocol.Pin(world.id(), 0))) == "quiet"


def test_what_is_hidden_cannot_be_pinned() -> None:
    world = World()
    world.say(ANA, "oops")
    world.do(ANA, protocol.Delete(world.id(), 1))
    assert code(world.do(MODERATOR, protocol.Pin(world.id(), 1))) == "no-such"


def test_only_the_owner_appoints() -> None:
    world = World()
    assert code(world.do(MODERATOR, protocol.Appoint(ID, "ana", True))) == "rights"
    assert code(world.do(OWNER, protocol.Appoint(ID, "ana", True))) == "log"
    assert world.room.rights(ANA, 0) == {"moderator"}
    assert code(world.do(ANA, protocol.Mode(world.id(), slow_s=5))) == "log"
    assert code(world.do(OWNER, protocol.Appoint(world.id(), "ana", False))) == "log"
    assert code(world.do(ANA, protocol.Mode(world.id(), slow_s=6))) == "rights"


def test_the_owner_dismisses_a_moderator_of_the_apps() -> None:
    world = World()
    world.do(OWNER, protocol.Appoint(ID, "mia", False))
    assert world.room.rights(MODERATOR, 0) == {"viewer"}


@pytest.mark.parametrize("user", ["guest:1", "olga"])
def test_guests_and_owners_are_not_appointed(user: str) -> None:
    assert code(World().do(OWNER, protocol.Appoint(ID, user, True))) == "rights"


# --- held messages


def test_what_is_held_can_be_let_through_with_its_senders_name() -> None:
    world = World()
    world.mode(hold=True)
    held = world.say(ANA, "first!", id="mine")
    assert isinstance(held, Log)
    assert held.held
    assert (world.kinds()[-1], world.entries[-1].staff) == ("held", True)
    assert world.body()["why"] == "hold"
    world.now_ms += MINUTE_MS
    assert code(world.do(MODERATOR, protocol.Settle(world.id(), 2, True))) == "log"
    assert world.kinds() == ["mode", "held", "message", "settled"]
    said = world.body(3)
    assert (said["id"], said["text"], said.get("why")) == ("mine", "first!", None)
    assert said["user"] == world.body(2)["user"]
    assert world.entries[2].t_recv == world.now_ms
    assert world.entries[3].staff


def test_what_is_settled_is_settled_once() -> None:
    world = World()
    world.mode(hold=True)
    world.say(ANA, "first!")
    world.do(MODERATOR, protocol.Settle(world.id(), 2, False))
    assert code(world.do(SECOND, protocol.Settle(world.id(), 2, True))) == "no-such"
    assert world.kinds() == ["mode", "held", "settled"]


def test_an_act_that_is_sent_again_is_acked_again() -> None:
    """A client that lost its connection does not know what became of its frame."""
    world = World()
    world.mode(hold=True)
    world.say(ANA, "first!")
    held = world.last
    opening = protocol.OpenPoll("o", "Tea?", ["yes", "no"])
    world.do(MODERATOR, opening)
    poll = world.last
    assert code(world.do(MODERATOR, opening)) == "log"
    assert world.last == poll
    frames: list[tuple[Act, str]] = [
        (protocol.Settle("s", held, False), "quiet"),
        (protocol.ClosePoll("c", poll), "quiet"),
        (punish("ban", "ben"), "log"),
        (protocol.Mode("m", slow_s=9), "quiet"),
    ]
    for frame, _ in frames:
        assert code(world.do(MODERATOR, frame)) == "log"
    before = world.kinds()
    for frame, answer in frames:
        assert code(world.do(MODERATOR, frame)) == answer
    assert world.kinds() == before


@pytest.mark.parametrize("first", [True, False])
def test_of_two_moderators_at_one_time_the_first_decides(first: bool) -> None:
    world = World()
    world.mode(hold=True)
    world.say(ANA, "first!")
    one = world.judge(MODERATOR, protocol.Settle("a", 2, first))
    other = world.judge(SECOND, protocol.Settle("b", 2, not first))
    assert isinstance(one, Log)
    assert isinstance(other, Log)
    for draft in (*one.drafts, *other.drafts):
        world.append(draft)
    assert world.kinds().count("message") == int(first)


def test_who_wrote_it_takes_back_what_is_held() -> None:
    world = World()
    world.mode(hold=True)
    world.say(ANA, "first!")
    assert code(world.do(BEN, protocol.Delete(world.id(), 2))) == "no-such"
    assert code(world.do(ANA, protocol.Delete(world.id(), 2))) == "log"
    assert world.body() == {"held": 2, "approve": False, "by": "ana"}
    assert world.entries[-1].staff


# --- polls


def poll(world: World, seconds: int = 60) -> int:
    world.do(MODERATOR, protocol.OpenPoll(world.id(), " Tea? ", ["yes", "no\u202e"], seconds))
    return world.last


def test_a_poll_is_opened_voted_on_and_closed() -> None:
    world = World()
    seq = poll(world)
    assert world.body()["question"] == "Tea?"
    assert world.body()["options"] == ["yes", "no"]
    for who, option in ((ANA, 0), (BEN, 0), (ANA, 1)):
        assert code(world.do(who, protocol.Vote(world.id(), seq, option))) == "quiet"
    assert code(world.do(MODERATOR, protocol.ClosePoll(world.id(), seq))) == "log"
    assert world.body() == {"poll": seq, "votes": [1, 1]}
    assert world.room.view(0).poll is None


def test_there_is_one_poll_at_a_time() -> None:
    world = World()
    seq = poll(world)
    assert code(world.do(MODERATOR, protocol.OpenPoll(ID, "And?", ["a", "b"]))) == "poll"
    assert code(world.do(MODERATOR, protocol.ClosePoll(ID, seq + 1))) == "poll"


def test_an_option_of_nothing_is_refused() -> None:
    assert code(World().do(MODERATOR, protocol.OpenPoll(ID, "?", ["a", "\u200b"]))) == "text"
