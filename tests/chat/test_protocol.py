"""Frames as bytes: what is read, what is refused and under which code, what is written."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat import protocol
from chat.entry import Epoch
from chat.protocol import Bye, Error, Fetch, Gap, Hello, Malformed, Own, Page, Retract, Say


def test_a_frame_is_read_into_its_type() -> None:
    assert protocol.decode(b'{"op":"say","id":"a","text":"hi"}') == Say("a", "hi")
    assert protocol.decode(b'{"op":"hello","v":1}') == Hello(1)
    assert protocol.decode(b'{"op":"fetch","id":"a","after":3}') == Fetch("a", 3)


@pytest.mark.parametrize(
    ("frame", "code", "id"),
    [
        (b"nonsense", "malformed", ""),
        (b'{"op":"say","id":"a","text":""}', "malformed", "a"),
        (b'{"op":"fly","id":"a"}', "unknown-op", "a"),
        (b'{"op":"fly","id":7}', "unknown-op", ""),
        (b"x" * 4_097, "too-large", ""),
    ],
)
def test_what_cannot_be_read_has_a_code(frame: bytes, code: str, id: str) -> None:
    with pytest.raises(Malformed) as refused:
        protocol.decode(frame)
    assert (refused.value.code, refused.value.id) == (code, id)


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_else(frame: bytes) -> None:
    with suppress(Malformed):
        protocol.decode(frame)


def test_names_on_the_wire_are_those_of_the_document() -> None:
    assert json.loads(protocol.encode(Gap(3, 5))) == {"op": "gap", "from": 3, "to": 5}
    retract = {"op": "retract", "epoch": "e", "from": 3, "now_epoch": "f"}
    assert json.loads(protocol.encode(Retract("e", 3, "f"))) == retract
    page = {"op": "page", "id": "a", "items": [], "more": False, "last": 0}
    assert json.loads(protocol.encode(Page("a", [], False))) == page
    assert json.loads(protocol.encode(Own([]))) == {"op": "own", "items": []}
    bye = {"op": "bye", "code": 1, "detail": "d", "retry_ms": 0}
    assert json.loads(protocol.encode(Bye(1, "d"))) == bye
    error = {"op": "error", "code": "rate", "detail": "d", "id": "a"}
    assert json.loads(protocol.encode(Error("rate", "d", "a"))) == error


def test_a_batch_is_put_together_from_entries_as_they_are() -> None:
    made = protocol.batch(Epoch('e"1'), 3, 5, [b'{"seq":3}', b'{"seq":5}'], of=3)
    assert json.loads(made) == {
        "op": "batch", "epoch": 'e"1', "first": 3, "last": 5, "of": 3,
        "items": [{"seq": 3}, {"seq": 5}],
    }  # fmt: skip
