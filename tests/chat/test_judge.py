"""What the hub asks of a room's rules."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chat.judge import Judge, client_key
from chat.moderation.settings import RoomSettings
from chat.people import UserId
from chat.room import Room

USERS = st.text(st.sampled_from("abcsetld:._@-0"), min_size=1, max_size=12)
IDS = st.text(st.sampled_from("abc_-0"), min_size=1, max_size=6)


def test_a_room_is_a_judge() -> None:
    judge: Judge = Room(RoomSettings())
    assert judge.view(0).people == 0


@given(USERS, IDS, USERS, IDS)
def test_no_two_people_have_one_key(user: str, id: str, other: str, other_id: str) -> None:
    same = (user, id) == (other, other_id)
    assert (client_key(UserId(user), id) == client_key(UserId(other), other_id)) == same


@given(IDS)
def test_no_client_takes_a_key_of_the_servers_own(id: str) -> None:
    """A user may be called `donation`: its messages must not stand in an alert's way."""
    for name in ("donation", "settled", "settle", "poll_end"):
        assert not client_key(UserId(name), id).startswith(f"{name}:")
