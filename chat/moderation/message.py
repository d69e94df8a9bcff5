"""A message on its way into the log: what the room's modes say of it, and the body it becomes."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import Final

from chat.judge import Refused
from chat.moderation import bodies
from chat.moderation.parts import Part, TextPart, has_link, only_emotes
from chat.moderation.said import Said
from chat.moderation.standing import in_order
from chat.moderation.text import head
from chat.people import Person, Role
from chat.protocol import Modes

REPLY_GRAPHEMES: Final = 80
TRUSTED: Final[Set[Role]] = frozenset({"owner", "moderator", "bot"})
"""The room's modes are not for them."""


@dataclass(frozen=True, slots=True)
class Written:
    """What somebody wants to say; the text is clean."""

    id: str
    who: Person
    rights: Set[Role]
    text: str
    parts: list[Part]
    reply: bodies.Reply | None
    seen_ms: int | None

    @property
    def trusted(self) -> bool:
        return not TRUSTED.isdisjoint(self.rights)

    def body(self, why: bodies.Why | None) -> bytes:
        """Of a message, or of a held one where there is a reason."""
        roles: list[str] = [role for role in in_order(self.rights) if role != "viewer"]
        author = bodies.Author(self.who.id, self.who.name, roles, roles)
        plain = [TextPart(self.text)]
        # Thousands read each message: what says nothing new is left out.
        parts = [] if self.parts == plain else self.parts
        return bodies.write(
            bodies.Message(self.id, author, self.text, parts, self.reply, self.seen_ms, why)
        )


def refused_by(modes: Modes, written: Written, said: Said, now_ms: int) -> Refused | None:
    """What the room's modes have against a message."""
    if written.trusted:
        return None
    if modes.subscribers_only and "subscriber" not in written.rights:
        return Refused("subscribers-only", "Only subscribers talk in this room now.")
    wait_ms = said.slow_ms(written.who.id, modes.slow_s * 1_000, now_ms) if modes.slow_s else 0
    if wait_ms:
        return Refused("slow", f"In this room, people speak every {modes.slow_s} s.", wait_ms)
    if modes.emote_only and not only_emotes(written.parts):
        return Refused("emote-only", "This room takes only emotes now.")
    if not modes.links and has_link(written.text):
        return Refused("links", "This room takes no links.")
    if modes.unique and not said.is_new(written.text, now_ms):
        return Refused("not-unique", "That was said in this room already.")
    return None


def reply_to(seq: int, name: str, text: str) -> bodies.Reply:
    return bodies.Reply(seq, name, head(text, REPLY_GRAPHEMES))
