"""`!marker` in the chat."""

from __future__ import annotations

import pytest

from chat.entry import Entry, Epoch, Kind
from recorder.records import Mark
from signaling.marker_command import mark_in


def entry(text: str, roles: str = '["owner"]', kind: Kind = "message") -> Entry:
    body = f'{{"id":"m","user":{{"id":"u","name":"Lina","roles":{roles}}},"text":"{text}"}}'
    return Entry(Epoch("e"), 1, 900, 500, 600, kind, body.encode(), None, False)


def test_the_moment_that_its_writer_saw_is_marked() -> None:
    assert mark_in(entry("!marker  Round two ")) == Mark(600, "marker", "Round two", "Lina")


@pytest.mark.parametrize(
    "other",
    [
        entry("!marker Round two", roles='["viewer"]'),
        entry("!marker Round two", roles="[]"),
        entry("!marker Round two", kind="held"),
        entry("say !marker Round two"),
        entry("!marker "),
        entry("!markers"),
        Entry(Epoch("e"), 1, 900, 500, 600, "message", b'{"!marker ', None, False),
    ],
)
def test_others_mark_nothing(other: Entry) -> None:
    assert mark_in(other) is None
