"""A poll and its votes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chat.entry import Epoch
from chat.moderation.polls import Poll, Votes
from chat.people import UserId

POLL = Poll(Epoch("e"), 7, "Tea?", ("yes", "no"), 1_000)


def test_a_poll_is_open_until_its_time() -> None:
    assert POLL.is_open(999)
    assert not POLL.is_open(1_000)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 1)), max_size=40))
def test_everybody_has_one_vote_and_the_last_counts(cast: list[tuple[int, int]]) -> None:
    votes = Votes()
    for user, option in cast:
        assert votes.cast(POLL, UserId(f"u{user}"), option)
    last = list(dict(cast).values())
    assert votes.tally(POLL) == [last.count(0), last.count(1)]


def test_an_option_that_there_is_not_is_no_vote() -> None:
    votes = Votes()
    assert not votes.cast(POLL, UserId("ana"), 2)
    assert votes.tally(POLL) == [0, 0]


def test_another_poll_begins_with_no_votes_even_under_the_same_number() -> None:
    votes = Votes()
    votes.cast(POLL, UserId("ana"), 1)
    later = Poll(Epoch("f"), 7, "Tea?", ("yes", "no"), 1_000)
    assert votes.tally(POLL) == [0, 1]
    assert votes.tally(later) == [0, 0]


def test_a_view_is_what_clients_get() -> None:
    votes = Votes()
    votes.cast(POLL, UserId("ana"), 1)
    view = votes.view(POLL)
    assert (view.id, view.question, view.options) == (7, "Tea?", ["yes", "no"])
    assert (view.votes, view.until) == ([0, 1], 1_000)
