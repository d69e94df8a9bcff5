"""Everything that people may send to a room, in any order, for property tests."""

from __future__ import annotations

from hypothesis import strategies as st

from chat import protocol
from chat.people import Person
from chat.protocol import Act, Mode, Punish, Say, Vote
from chat.room import Room
from tests.chat.room_world import ANA, BEN, BOT, MODERATOR, NOW_MS, OWNER, person

NOT_STAFF = [ANA, BEN, BOT, person("sue", "subscriber"), person("guest:1"), None]
EVERYBODY = [*NOT_STAFF, MODERATOR, OWNER]
IDS = st.sampled_from([f"k{number}" for number in range(12)])
SEQS = st.integers(0, 15)
USERS = st.sampled_from(["ana", "ben", "mia", "olga", "guest:1", "nobody"])
FRAMES: st.SearchStrategy[Say | Vote | Act] = st.one_of(
    st.builds(Say, IDS, st.sampled_from(["hi", "frell", "smurf", "x.org", "🔥", " "]), reply=SEQS),
    st.builds(Say, IDS, st.text(min_size=1, max_size=20)),
    st.builds(Vote, IDS, SEQS, st.integers(0, 9)),
    st.builds(protocol.Delete, IDS, SEQS),
    st.builds(Punish, IDS, st.sampled_from(["timeout", "ban", "shadow", "pardon"]), USERS),
    st.builds(Mode, IDS, slow_s=st.integers(0, 5), hold=st.booleans(), links=st.booleans()),
    st.builds(protocol.Pin, IDS, SEQS),
    st.builds(protocol.Settle, IDS, SEQS, st.booleans()),
    st.builds(protocol.Appoint, IDS, USERS, st.booleans()),
    st.builds(protocol.OpenPoll, IDS, st.just("?"), st.just(["a", "b"]), st.just(10)),
    st.builds(protocol.ClosePoll, IDS, SEQS),
)


def steps(people: list[Person | None]) -> st.SearchStrategy[list[tuple[Person | None, Act | Say]]]:
    return st.lists(st.tuples(st.sampled_from(people), FRAMES), max_size=30)


def state(room: Room) -> object:
    """What the room's log alone decides."""
    view = room.view(NOW_MS)
    told = [room.you(who, NOW_MS) for who in EVERYBODY]
    pin = None if view.pin is None else bytes(view.pin)
    return view.modes, pin, view.poll and (view.poll.id, view.poll.options), told
