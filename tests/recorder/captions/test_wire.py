"""Messages between the server and its caption process."""

from __future__ import annotations

import pytest

from recorder.captions.wire import (
    FROM_CHILD,
    LONGEST,
    TO_CHILD,
    Alive,
    Begin,
    Flush,
    Heard,
    Open,
    Part,
    Ready,
    Refused,
    ToChild,
    WireError,
    packed,
    unpacked,
)
from recorder.captions.words import Word


@pytest.mark.parametrize(
    "message", [Open("x", "en", "folder"), Begin(b"init"), Part(1, 2, 3, b"data"), Flush(4)]
)
def test_what_is_said_to_the_child_arrives(message: ToChild) -> None:
    assert unpacked(TO_CHILD, packed(message)) == message


@pytest.mark.parametrize(
    "message", [Ready(("a",)), Refused("no"), Heard(1, [Word("a", 0, 1, 0.5)], 2, "x"), Alive()]
)
def test_what_the_child_says_arrives(message: Ready | Refused | Heard | Alive) -> None:
    assert unpacked(FROM_CHILD, packed(message)) == message


@pytest.mark.parametrize("packet", [b"", b"\xff", packed(Alive())])
def test_what_is_no_message_is_an_error(packet: bytes) -> None:
    with pytest.raises(WireError):
        unpacked(TO_CHILD, packet)


def test_what_is_too_long_is_not_sent() -> None:
    with pytest.raises(WireError):
        packed(Begin(bytes(LONGEST)))
