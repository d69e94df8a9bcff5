"""A room's state as its log tells it."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.entry import ACTS, Entry, Epoch, Kind
from chat.moderation.state import Spans, State
from chat.people import UserId
from chat.protocol import Modes

USERS = ["ana", "ben", "guest:1"]


def entry(seq: int, kind: Kind, body: object, staff: bool = False) -> Entry:
    return Entry(Epoch("e"), seq, 0, None, 0, kind, msgspec.json.encode(body), None, staff)


def message(seq: int, user: str = "ana") -> Entry:
    body = {"id": "k", "user": {"id": user, "name": user}, "text": "hi", "parts": []}
    return entry(seq, "message", body)


def after(*entries: Entry) -> State:
    state = State(100)
    for one in entries:
        state.apply(one)
    return state


def pin(seq: int, of: Entry) -> Entry:
    return entry(seq, "pin", {"of": of.seq, "entry": msgspec.Raw(of.wire), "by": "mia"})


def test_modes_are_those_of_the_last_entry() -> None:
    state = after(
        entry(1, "mode", {"slow_s": 5, "hold": True, "by": "mia"}),
        entry(2, "mode", {"slow_s": 7, "links": False, "by": "mia"}),
    )
    assert state.modes == Modes(slow_s=7, links=False)


def test_an_act_is_applied_once() -> None:
    mode = entry(1, "mode", {"slow_s": 5})
    assert after(mode, entry(2, "mode", {}), mode).modes == Modes()


@pytest.mark.parametrize(
    ("act", "hidden"),
    [
        (entry(5, "delete", {"of": 1, "by": "mia"}), {1}),
        (entry(5, "clear", {"user": "ana", "by": "mia"}), {1, 2}),
        (entry(5, "timeout", {"user": "ana", "until": 9, "by": "mia"}), {1, 2}),
        (entry(5, "ban", {"user": "ana", "by": "mia"}), {1, 2}),
        (entry(5, "ban", {"user": "ana", "by": "mia", "shadow": True}, staff=True), set()),
        (entry(5, "unban", {"user": "ana", "by": "mia"}), set()),
    ],
    ids=["delete", "clear", "timeout", "ban", "shadow", "unban"],
)
def test_what_an_act_hides_stays_hidden(act: Entry, hidden: set[int]) -> None:
    lines = [message(1), message(2), message(3, "ben"), message(7)]
    unban = entry(6, "unban", {"user": "ana", "by": "mia"})
    # The log tells acts first and messages later when a room is opened.
    for order in ([*lines[:3], act, unban, lines[3]], [act, unban, *lines]):
        state = after(*order)
        users = {1: "ana", 2: "ana", 3: "ben", 7: "ana"}
        assert {s for s, user in users.items() if state.hides(s, UserId(user))} == hidden


def test_a_pin_is_the_entry_until_it_is_taken_away() -> None:
    state = after(message(1), pin(2, message(1)))
    assert state.pinned is not None
    assert state.pinned.wire == message(1).wire
    for act in (
        entry(3, "pin", {"of": 0, "entry": None, "by": "mia"}),
        entry(3, "delete", {"of": 1, "by": "mia"}),
        entry(3, "ban", {"user": "ana", "by": "mia"}),
    ):
        assert after(message(1), pin(2, message(1)), act).pinned is None
        assert after(pin(2, message(1)), act).pinned is None, "also without the message"


def test_a_poll_is_there_until_its_own_end() -> None:
    poll = entry(1, "poll", {"question": "Tea?", "options": ["a", "b"], "until": 9, "by": "mia"})
    assert after(poll).poll is not None
    assert after(poll, entry(2, "poll_end", {"poll": 7, "votes": []})).poll is not None
    assert after(poll, entry(2, "poll_end", {"poll": 1, "votes": [0, 0]})).poll is None


def test_roles_and_subscriptions() -> None:
    state = after(
        entry(1, "role", {"user": "ana", "role": "moderator", "on": True, "by": "olga"}),
        entry(2, "role", {"user": "ben", "role": "owner", "on": True, "by": "olga"}),
        entry(3, "subscription", {"user": "ben", "until": 1_000}),
    )
    assert state.standing.moderators == {"ana": True}
    assert state.standing.subscribed == {"ben": 1_000}


def test_a_goal_is_shown_as_it_was_written() -> None:
    goal = entry(1, "goal", {"title": "Roof", "currency": "EUR", "target": 5, "reached": 1})
    assert after(goal).goal == goal.wire


def test_what_is_held_waits_until_it_is_settled() -> None:
    body = {"id": "k", "user": {"id": "ana", "name": "Ana"}, "text": "x", "parts": []}
    held = entry(1, "held", {**body, "why": "hold"}, staff=True)
    assert after(held).lines.held.has(1)
    settled = entry(2, "settled", {"held": 1, "approve": True, "by": "mia"}, staff=True)
    assert not after(held, settled).lines.held.has(1)


@pytest.mark.parametrize("kind", sorted(ACTS))
@pytest.mark.parametrize("body", [{}, {"user": 7}, {"of": "x"}, [], None])
def test_an_entry_that_cannot_be_read_changes_nothing(kind: Kind, body: object) -> None:
    state = State(10)
    try:
        state.apply(entry(3, kind, body))
    except msgspec.MsgspecError:
        assert outline(state) == outline(State(10))


def outline(state: State) -> object:
    """Everything but the numbers that were seen."""
    seqs = range(1, 40)
    pairs = [(seq, user) for seq in seqs for user in USERS if state.hides(seq, UserId(user))]
    waiting = [seq for seq in seqs if state.lines.held.has(seq)]
    return state.modes, state.pinned, state.poll, state.goal, state.standing, pairs, waiting


def erase(seq: int, first: int, last: int, pin: int = 0) -> Entry:
    return entry(seq, "erase", {"first": first, "last": last, "pin": pin})


def acts_and_messages(seq: int) -> st.SearchStrategy[Entry]:
    user = st.sampled_from(USERS)
    of = st.integers(1, 30)
    held = {"id": "k", "text": "x", "parts": [], "why": "hold"}
    return st.one_of(
        user.map(lambda u: message(seq, u)),
        of.map(lambda n: entry(seq, "delete", {"of": n, "by": "m"})),
        user.map(lambda u: entry(seq, "clear", {"user": u, "by": "m"})),
        user.map(lambda u: entry(seq, "timeout", {"user": u, "until": seq, "by": "m"})),
        st.tuples(user, st.booleans()).map(
            lambda p: entry(seq, "ban", {"user": p[0], "shadow": p[1], "by": "m"})
        ),
        user.map(lambda u: entry(seq, "unban", {"user": u, "by": "m"})),
        of.map(lambda n: entry(seq, "mode", {"slow_s": n, "by": "m"})),
        st.tuples(of, user).map(lambda p: pin(seq, message(p[0], p[1]))),
        st.tuples(user, st.booleans()).map(
            lambda p: entry(seq, "role", {"user": p[0], "role": "moderator", "on": p[1]})
        ),
        user.map(lambda u: entry(seq, "subscription", {"user": u, "until": seq})),
        st.just(entry(seq, "poll", {"question": "?", "options": ["a", "b"], "until": seq})),
        of.map(lambda n: entry(seq, "poll_end", {"poll": n, "votes": [0, 0]})),
        user.map(lambda u: entry(seq, "held", {**held, "user": {"id": u, "name": u}})),
        of.map(lambda n: entry(seq, "settled", {"held": n, "approve": True, "by": "m"})),
        st.tuples(of, of, of).map(lambda n: erase(seq, n[0], min(n[1], seq - 1), n[2] % seq)),
    )


LOGS = st.integers(0, 25).flatmap(
    lambda length: st.tuples(*(acts_and_messages(seq) for seq in range(1, length + 1)))
)


@given(LOGS)
def test_every_way_of_reading_a_log_gives_the_same_state(
    entries: tuple[Entry, ...],
) -> None:
    straight = outline(after(*entries))
    assert outline(after(*entries, *entries)) == straight, "read twice"
    acts = [one for one in entries if one.kind in ACTS]
    messages = [one for one in entries if one.kind not in ACTS]
    assert outline(after(*acts, *messages)) == straight, "acts first, as when a room is opened"
    half = len(entries) // 2
    overlapping = [*entries[:half], *entries[half // 2 :]]
    assert outline(after(*overlapping)) == straight, "with what was heard while it was read"


# --- what was erased


def test_what_was_erased_is_hidden_and_cannot_be_found() -> None:
    for order in ([message(1), message(2), message(3), erase(9, 2, 3)],):
        state = after(*order)
        assert [state.hides(seq, UserId("ana")) for seq in (1, 2, 3, 4)] == [
            False, True, True, False,
        ]  # fmt: skip
        assert len(state.lines) == 1
    late = after(erase(9, 2, 3), message(2))
    assert late.hides(2, UserId("ana")), "read before, and handed on afterwards"


def test_nobody_waits_for_a_word_on_what_was_erased() -> None:
    body = {"id": "k", "user": {"id": "ana", "name": "Ana"}, "text": "x", "why": "hold"}
    shadowed = {**body, "why": "shadow"}
    held = [entry(seq, "held", body, staff=True) for seq in (1, 2)]
    state = after(*held, entry(3, "held", shadowed, staff=True), erase(9, 2, 3))
    assert [state.lines.held.has(seq) for seq in (1, 2, 3)] == [True, False, False]


def test_a_poll_of_that_time_is_over() -> None:
    poll = entry(2, "poll", {"question": "Tea?", "options": ["a", "b"], "until": 9, "by": "mia"})
    assert after(poll, erase(9, 2, 3)).poll is None
    assert after(poll, erase(9, 3, 4)).poll is not None


def test_a_pin_goes_with_the_act_that_made_it() -> None:
    pinned = [message(1), pin(2, message(1))]
    assert after(*pinned, erase(9, 2, 3, pin=2)).pinned is None
    assert after(*pinned, erase(9, 5, 6)).pinned is not None
    newer = after(*pinned, message(5), pin(7, message(5)), erase(9, 2, 3, pin=2))
    assert newer.pinned is not None
    assert newer.pinned.seq == 5


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(-1, 9)), max_size=30))
def test_spans_are_the_numbers_that_were_added(added: list[tuple[int, int]]) -> None:
    spans = Spans()
    numbers: set[int] = set()
    for first, length in added:
        spans.add(first, first + length)
        numbers.update(range(first, first + length + 1))
    assert {seq for seq in range(-2, 80) if seq in spans} == numbers
    assert len(spans) == len([seq for seq in numbers if seq - 1 not in numbers])
