"""A message on its way into the log."""

from __future__ import annotations

import msgspec
import pytest

from chat.judge import Refused
from chat.moderation.message import Written, refused_by, reply_to
from chat.moderation.parts import Part, TextPart
from chat.moderation.said import Said
from chat.people import Person, Role
from chat.protocol import Modes
from tests.chat.room_world import ANA, BOT, MODERATOR, OWNER


def written(text: str = "hi", who: Person = ANA, rights: frozenset[Role] | None = None) -> Written:
    parts: list[Part] = [TextPart(text)]
    return Written("k1", who, who.roles if rights is None else rights, text, parts, None, 5)


def refused(modes: Modes, message: Written, said: Said | None = None) -> str:
    verdict = refused_by(modes, message, said or Said(), 10_000)
    return verdict.code if isinstance(verdict, Refused) else ""


SUBSCRIBER = frozenset[Role]({"subscriber"})
STRICT = Modes(slow_s=60, subscribers_only=True, emote_only=True, unique=True, links=False)


def test_a_room_without_modes_takes_everything() -> None:
    assert refused(Modes(), written("see https://example.org")) == ""


def test_subscribers_only() -> None:
    modes = Modes(subscribers_only=True)
    assert refused(modes, written()) == "subscribers-only"
    assert refused(modes, written(rights=SUBSCRIBER)) == ""


def test_slow_mode_says_how_long_to_wait() -> None:
    said = Said()
    said.note(ANA.id, "k0", 8_000)
    verdict = refused_by(Modes(slow_s=5), written(), said, 10_000)
    assert isinstance(verdict, Refused)
    assert (verdict.code, verdict.retry_ms) == ("slow", 3_000)
    assert refused_by(Modes(slow_s=2), written(), said, 10_000) is None


def test_emotes_links_and_unique() -> None:
    assert refused(Modes(emote_only=True), written("hi")) == "emote-only"
    assert refused(Modes(emote_only=True), written("🔥")) == ""
    assert refused(Modes(links=False), written("example.org")) == "links"
    said = Said()
    said.note_text("Hi!", 10_000)
    assert refused(Modes(unique=True), written("hi"), said) == "not-unique"
    assert refused(Modes(), written("hi"), said) == ""


@pytest.mark.parametrize("who", [OWNER, MODERATOR, BOT], ids=lambda who: who.id)
def test_modes_are_not_for_staff_and_bots(who: Person) -> None:
    said = Said()
    said.note(who.id, "k0", 10_000)
    said.note_text("example.org", 10_000)
    assert refused(STRICT, written("example.org", who), said) == ""


def test_a_body_shows_roles_and_badges_but_no_badge_for_viewers() -> None:
    rights = frozenset[Role]({"subscriber", "moderator"})
    body = msgspec.json.decode(written(rights=rights).body(None))
    assert body["user"]["roles"] == body["user"]["badges"] == ["moderator", "subscriber"]
    plain = msgspec.json.decode(written(rights=frozenset({"viewer"})).body("hold"))
    assert plain["user"].keys() == {"id", "name"}
    assert "parts" not in plain, "where it is all text, the text says it"
    assert (plain["why"], plain["seen"]) == ("hold", 5)


def test_a_reply_carries_the_beginning_of_what_it_answers() -> None:
    reply = reply_to(3, "Ben", "x" * 81)
    assert reply.text == "x" * 79 + "…"
    assert reply_to(3, "Ben", "x" * 80).text == "x" * 80
