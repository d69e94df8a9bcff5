"""The bodies of a room's entries."""

from __future__ import annotations

import msgspec
import pytest
from msgspec import Struct

from chat.entry import Entry, Epoch
from chat.moderation import bodies
from chat.moderation.parts import EmotePart, LinkPart, MentionPart, TextPart
from chat.people import RANK


def entry(body: bytes) -> Entry:
    return Entry(Epoch("e"), 1, 0, None, 0, "message", body, None, False)


def test_a_message_travels_with_everything_that_a_client_shows() -> None:
    message = bodies.Message(
        "k1",
        bodies.Author("ana", "Ana", ["subscriber"], ["subscriber"]),
        "hi :heart: @Ben https://x.org",
        [TextPart("hi "), EmotePart("heart"), MentionPart("ben", "Ben"), LinkPart("https://x.org")],
        bodies.Reply(3, "Ben", "hello"),
        1_000,
    )
    assert msgspec.json.decode(bodies.write(message)) == {
        "id": "k1",
        "user": {"id": "ana", "name": "Ana", "roles": ["subscriber"], "badges": ["subscriber"]},
        "text": "hi :heart: @Ben https://x.org",
        "parts": [
            {"t": "text", "v": "hi "},
            {"t": "emote", "v": "heart"},
            {"t": "mention", "v": "ben", "n": "Ben"},
            {"t": "link", "v": "https://x.org"},
        ],
        "reply": {"seq": 3, "name": "Ben", "text": "hello"},
        "seen": 1_000,
    }


def test_what_a_message_lacks_is_not_mentioned() -> None:
    message = bodies.Message("k1", bodies.Author("ana", "Ana"), "hi", [TextPart("hi")])
    assert msgspec.json.decode(bodies.write(message)).keys() == {"id", "user", "text", "parts"}


@pytest.mark.parametrize(
    ("body", "read"),
    [
        (b'{"user":"ana","until":5,"more":[1]}', bodies.Timeout("ana", 5)),
        (b'{"user":"ana","shadow":true}', bodies.Ban("ana", shadow=True)),
        (b'{"held":3,"approve":false}', bodies.Settled(3, False)),
        (
            b'{"user":{"name":"Zoe"},"text":"x","amount":500}',
            bodies.Shown(bodies.Named("Zoe"), "x"),
        ),
    ],
)
def test_entries_of_other_versions_are_read_leniently(body: bytes, read: Struct) -> None:
    assert bodies.read(entry(body), type(read)) == read


def test_a_punishment_without_a_person_behind_it_is_the_servers_own() -> None:
    assert bodies.read(entry(b'{"user":"ana","until":5}'), bodies.Timeout).rank == RANK["owner"]


@pytest.mark.parametrize("body", [b"{}", b'{"user":7,"until":5}', b"\xff", b"[]"])
def test_what_cannot_be_read_is_an_error(body: bytes) -> None:
    with pytest.raises((msgspec.MsgspecError, UnicodeDecodeError)):
        bodies.read(entry(body), bodies.Timeout)
