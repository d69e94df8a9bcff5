"""SDP fragments of PATCH and of the answer to an ICE restart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.engine import IceCredentials
from signaling.sdpfrag import parse_fragment, restart_answer, usable
from sluice.config import LimitsConfig
from sluice.errors import Problem
from tests.signaling.door import HIDDEN, HOST, fragment

LIMITS = LimitsConfig()


def test_credentials_candidates_and_the_end_are_read() -> None:
    body = fragment("abcd", "p" * 22, HOST, HIDDEN) + "a=end-of-candidates\r\n"
    found = parse_fragment(body.encode(), ("0", "1"), LIMITS)
    assert found.ice == IceCredentials("abcd", "p" * 22)
    assert found.candidates == (HOST, HIDDEN)
    assert found.complete


def test_candidates_alone_are_a_fragment() -> None:
    found = parse_fragment(f"a={HOST}\n".encode(), (), LIMITS)
    assert (found.ice, found.candidates, found.complete) == (None, (HOST,), False)


@pytest.mark.parametrize(
    ("candidate", "expected"),
    [
        (HOST, True),
        (HIDDEN, False),
        (HIDDEN.upper().replace("CANDIDATE", "candidate"), False),
        ("candidate:1 1 UDP 1 2001:db8::1 9 typ srflx raddr :: rport 0", True),
        ("candidate:1 1 tcp 1 192.0.2.1 9 typ host tcptype active", True),
        ("candidate:1 1 udp 1 192.0.2.1 9 typ magic", False),
        ("candidate:1 1 sctp 1 192.0.2.1 9 typ host", False),
        ("candidate:1", False),
        ("", False),
    ],
)
def test_which_candidates_the_engine_should_see(candidate: str, expected: bool) -> None:
    assert usable(candidate) is expected


def test_the_restart_answer_is_a_fragment_itself() -> None:
    ice = IceCredentials("serv", "s" * 24)
    addresses = ("udp:192.0.2.1:8189", "tcp:[2001:db8::1]:8189")
    text = restart_answer(ice, "v", "video", addresses)
    found = parse_fragment(text.encode(), ("v",), LIMITS)
    assert found.ice == ice
    assert found.complete
    assert all(usable(candidate) for candidate in found.candidates)
    assert " 192.0.2.1 8189 typ host" in found.candidates[0]
    assert found.candidates[1].endswith(" 2001:db8::1 8189 typ host tcptype passive")
    priorities = [int(candidate.split(" ")[3]) for candidate in found.candidates]
    assert priorities[0] > priorities[1]


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_bytes_are_a_fragment_or_a_problem(body: bytes) -> None:
    try:
        found = parse_fragment(body, ("0",), LIMITS)
    except Problem as problem:
        outcome: object = problem.kind.code
    else:
        outcome = found.candidates
    assert outcome in ("fragment-malformed", ())
