"""The bodies of a room's entries: JSON objects, as they stand in the log and travel to clients.

Read leniently: an entry of a later version may say more.
"""

from __future__ import annotations

from typing import Final, Literal, TypeVar

import msgspec
from msgspec import Struct

from chat.entry import Entry
from chat.moderation.parts import Part
from chat.people import RANK
from chat.protocol import Modes

Why = Literal["hold", "words", "shadow"]
"""Every message waits; there is a word in it; its sender is in the shadow."""


class Author(Struct, frozen=True, omit_defaults=True):
    """Who sent a message, as it was then. Without roles: a viewer."""

    id: str
    name: str
    roles: list[str] = []
    badges: list[str] = []


class Reply(Struct, frozen=True):
    """What a message answers: enough to show it where that one is long gone."""

    seq: int
    name: str
    text: str


class Message(Struct, frozen=True, omit_defaults=True):
    """`message`; and `held`, with the reason in `why`."""

    id: str
    """The sender's own key: how the sender's client knows its message again."""
    user: Author
    text: str
    parts: list[Part] = []
    """Left out where it is all text: then `text` is to be shown."""
    reply: Reply | None = None
    seen: int | None = None
    why: Why | None = None


class Named(Struct, frozen=True):
    name: str = ""
    id: str | None = None
    roles: list[str] = []


class Shown(Struct, frozen=True):
    """What messages and alerts have in common."""

    user: Named = Named()
    text: str = ""
    id: str = ""
    kind: str = ""
    """Only there in an entry as clients get it."""


class Delete(Struct, frozen=True):
    of: int
    by: str


class Clear(Struct, frozen=True):
    """All messages of a user until now."""

    user: str
    by: str = ""


class Timeout(Struct, frozen=True):
    user: str
    until: int
    name: str = ""
    by: str = ""
    reason: str = ""
    rank: int = RANK["owner"]
    """Of whoever did it: it does not hold for users of the same rank or above. Without a person,
    the server's own."""


class Ban(Struct, frozen=True):
    user: str
    name: str = ""
    by: str = ""
    reason: str = ""
    shadow: bool = False
    rank: int = RANK["owner"]


class Unban(Struct, frozen=True):
    """The end of every punishment."""

    user: str
    by: str = ""


class Mode(Modes, frozen=True):
    by: str = ""


class Pin(Struct, frozen=True):
    """0 and `null` take the pin away."""

    of: int
    entry: msgspec.Raw = msgspec.Raw(b"null")
    by: str = ""


class Role(Struct, frozen=True):
    user: str
    role: str
    on: bool
    by: str = ""


class Subscription(Struct, frozen=True):
    user: str
    until: int


class Poll(Struct, frozen=True):
    question: str
    options: list[str]
    until: int
    by: str = ""


class PollEnd(Struct, frozen=True):
    poll: int
    votes: list[int]


class Settled(Struct, frozen=True):
    held: int
    approve: bool
    by: str = ""


class Erase(Struct, frozen=True):
    """What people wrote is gone: all with these numbers, however it was known."""

    first: int
    last: int
    pin: int = 0
    """The last `pin` act there was, where it went as well: nothing is pinned by it, or by one
    before it, any more. 0: it stays."""


Body = TypeVar("Body", bound=Struct)

UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError)
"""What reading a body may raise."""


def read(entry: Entry, body: type[Body]) -> Body:
    """Raises UNREADABLE."""
    return msgspec.json.decode(entry.body, type=body)


def write(body: Struct) -> bytes:
    return _encoder.encode(body)


_encoder = msgspec.json.Encoder()
