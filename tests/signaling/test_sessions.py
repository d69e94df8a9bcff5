"""Sessions and entity tags."""

from __future__ import annotations

import pytest

from sfu.engine import IceCredentials
from signaling.sessions import Session, Sessions, etag_matches, etag_of, is_wildcard
from sluice.auth import Grant
from sluice.ids import ChannelId, PeerId
from sluice.metrics import Metrics

ICE = IceCredentials("abcd", "p" * 22)
LIVE = ChannelId("live")


def opened(sessions: Sessions, peer: int = 1) -> Session:
    return sessions.open("viewer", LIVE, PeerId(peer), Grant("public"), ICE, ICE, ("0",), "audio")


def test_ids_are_unguessable_and_differ() -> None:
    sessions = Sessions(Metrics())
    ids = {opened(sessions, peer).id for peer in range(100)}
    assert len(ids) == 100
    assert all(len(one) >= 22 for one in ids)


def test_a_session_is_found_only_by_all_parts_of_its_address() -> None:
    sessions = Sessions(Metrics())
    session = opened(sessions)
    assert sessions.find(session.id, "viewer", LIVE) is session
    assert sessions.find(session.id, "publisher", LIVE) is None
    assert sessions.find(session.id, "viewer", ChannelId("other")) is None
    assert sessions.find("guess", "viewer", LIVE) is None


def test_a_gone_peer_ends_its_session_once() -> None:
    metrics = Metrics()
    sessions = Sessions(metrics)
    session = opened(sessions)
    sessions.peer_gone(session.peer, "viewer", "left")
    sessions.peer_gone(session.peer, "viewer", "left")
    assert session.closed.is_set()
    assert len(sessions) == 0
    assert sessions.of_peer(session.peer) is None
    text = metrics.render().decode()
    assert 'sluice_sessions{role="viewer"} 0.0' in text
    assert 'sluice_sessions_closed_total{reason="left",role="viewer"} 1.0' in text


def test_one_that_said_goodbye_can_be_taken_once_by_all_parts_of_its_address() -> None:
    sessions = Sessions(Metrics())
    left, failed = opened(sessions, 1), opened(sessions, 2)
    sessions.peer_gone(left.peer, "viewer", "left")
    sessions.peer_gone(failed.peer, "viewer", "failed")
    assert sessions.take_left(left.id, "publisher", LIVE) is None
    assert sessions.take_left(failed.id, "viewer", LIVE) is None
    assert sessions.take_left(left.id, "viewer", LIVE) is left
    assert sessions.take_left(left.id, "viewer", LIVE) is None


def test_only_so_many_goodbyes_are_remembered() -> None:
    sessions = Sessions(Metrics())
    first, *_ = gone = [opened(sessions, peer) for peer in range(1025)]
    for session in gone:
        sessions.peer_gone(session.peer, "viewer", "left")
    assert sessions.take_left(first.id, "viewer", LIVE) is None
    assert sessions.take_left(gone[1].id, "viewer", LIVE) is gone[1]


def test_the_tag_is_strong_and_differs_for_each_ice_session() -> None:
    other = etag_of(IceCredentials("abcd", "q" * 22))
    assert etag_of(ICE) != other
    assert other[0] == other[-1] == '"'
    assert "abcd" not in other


@pytest.mark.parametrize(
    ("header", "expected"),
    [('"a"', True), (' "a" ', True), ('"b", "a"', True), ('"b"', False), ('W/"a"', False),
     ("a", False), ("", False)],
)  # fmt: skip
def test_if_match_is_compared_strongly(header: str, expected: bool) -> None:
    assert etag_matches(header, '"a"') is expected


def test_both_forms_of_the_wildcard() -> None:
    assert [is_wildcard(text) for text in ("*", '"*"', " * ", '"a"', "")] == [
        True, True, True, False, False,
    ]  # fmt: skip
