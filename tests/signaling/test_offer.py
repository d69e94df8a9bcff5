"""The checks before the engine. What is refused stands in test_bad_input; here: what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.offer import check_offer
from sluice.config import LimitsConfig
from sluice.errors import Problem
from tests.signaling.door import offer

LIMITS = LimitsConfig()


def test_the_clients_credentials_and_sections_are_read() -> None:
    found = check_offer(offer().encode(), "publisher", LIMITS)
    assert (found.ice.ufrag, found.ice.pwd) == ("cLnT", "clientpasswordclientpassword")
    assert found.mids == ("0", "1")
    assert found.kind == "audio"
    assert found.text == offer()


def test_bare_line_feeds_are_taken() -> None:
    assert check_offer(offer().replace("\r\n", "\n").encode(), "publisher", LIMITS).mids


@pytest.mark.parametrize(
    "extra",
    [
        ("a=rtcp-fb:* nack",),
        ("a=fmtp:127 apt=96",),
        ("m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "a=mid:2"),
        ("m=video 9 UDP/TLS/RTP/SAVPF 96",) * 14,
        ("a=candidate:1 1 udp 2130706431 192.0.2.9 50000 typ host",) * 64,
        ("a=x-note:naïve ✓",),
    ],
)
def test_what_real_clients_send_passes(extra: tuple[str, ...]) -> None:
    assert check_offer(offer(extra=extra).encode(), "publisher", LIMITS)


def test_directions_may_stand_at_session_level_or_be_left_out() -> None:
    bare = offer().replace("a=sendonly\r\n", "")
    assert check_offer(bare.encode(), "publisher", LIMITS)
    assert check_offer(bare.encode(), "viewer", LIMITS)
    session = bare.replace("a=setup:actpass", "a=setup:actpass\r\na=recvonly")
    assert check_offer(session.encode(), "viewer", LIMITS)
    with pytest.raises(Problem, match="sendonly"):
        check_offer(session.encode(), "publisher", LIMITS)


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_bytes_end_in_a_problem_and_never_in_a_crash(body: bytes) -> None:
    with pytest.raises(Problem):
        check_offer(body, "viewer", LIMITS)


@given(st.data())
def test_a_damaged_offer_passes_or_is_a_problem(data: st.DataObject) -> None:
    body = bytearray(offer().encode())
    for _ in range(data.draw(st.integers(1, 5))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = check_offer(bytes(body), "publisher", LIMITS)
    except Problem as problem:
        status = problem.kind.status
    else:
        status = 200 if found.ice.ufrag else 0
    assert status in (200, 400, 422)
