"""The messages that acts can be about."""

from __future__ import annotations

import msgspec
import pytest

from chat.entry import Entry, Epoch, Kind
from chat.moderation.bodies import Author, Message, Why
from chat.moderation.lines import Held, Lines
from chat.moderation.parts import TextPart

BODY = b'{"id":"k","user":{"id":"ana","name":"Ana"},"text":"hi","parts":[]}'


def entry(seq: int, body: bytes = BODY, kind: Kind = "message", staff: bool = False) -> Entry:
    return Entry(Epoch("e"), seq, 0, None, 0, kind, body, None, staff)


def message(why: Why) -> Message:
    return Message("k", Author("ana", "Ana"), "hi", [TextPart("hi")], why=why)


def filled(*seqs: int, size: int = 100) -> Lines:
    lines = Lines(size)
    for seq in seqs:
        lines.add(entry(seq))
        lines.last = seq
    return lines


def test_a_message_is_added_once() -> None:
    lines = Lines(10)
    assert lines.add(entry(1)) is not None
    assert lines.add(entry(1)) is None
    assert len(lines) == 1


def test_the_last_are_kept_and_others_are_for_the_log_to_find() -> None:
    lines = filled(*range(1, 6), size=2)
    assert lines.find(5) is not None
    with pytest.raises(LookupError):
        lines.find(3)
    lines.recall(entry(3))
    found = lines.find(3)
    assert found is not None
    assert (found.user, found.name, found.text) == ("ana", "Ana", "hi")


def test_what_is_not_there_yet_is_not_looked_for() -> None:
    lines = filled(1, 2)
    assert lines.find(3) is None
    assert lines.find(0) is None


@pytest.mark.parametrize(
    "other",
    [entry(2, b'{"of":1,"by":""}', "delete"), entry(2, kind="held", staff=True)],
    ids=["an act", "staff only"],
)
def test_what_is_no_message_for_all_is_found_as_none(other: Entry) -> None:
    lines = filled(1, 3)
    lines.recall(other)
    assert lines.find(2) is None


def test_a_line_that_cannot_be_read_is_not_asked_for_again() -> None:
    lines = filled(1, 3)
    with pytest.raises(msgspec.MsgspecError):
        lines.recall(entry(2, b"{"))
    assert lines.find(2) is None


def test_an_alert_belongs_to_nobody_but_can_be_found() -> None:
    lines = Lines(10)
    lines.add(entry(1, b'{"what":"donation","user":{"name":"Zoe"},"text":"yes"}', "alert"))
    line = lines.find(1)
    assert line is not None
    assert (line.user, line.name, line.text) == (None, "Zoe", "yes")


def test_what_waits_is_settled_once() -> None:
    held = Held()
    held.add(4, message("hold"))
    assert held.has(4)
    assert held.settled(4) is None
    held.settle(4, True)
    held.settle(4, False)
    assert held.find(4) is None
    assert held.settled(4) is True


def test_what_waits_is_bounded_and_the_shadowed_push_nobody_out() -> None:
    held = Held()
    held.add(1, message("hold"))
    for seq in range(2, 2_000):
        held.add(seq, message("shadow"))
    assert held.has(1)
    assert not held.has(2)
    assert held.has(1_999)
    for seq in range(2_000, 3_000):
        held.add(seq, message("words"))
    assert not held.has(1)
