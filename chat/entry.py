"""One line of a room's log: what happened, in the order that every viewer sees.

`seq` is the only order. `t_show` is the moment of the stream (server time, Unix ms) at which the
entry belongs on a screen; it never falls while `seq` grows, so that a viewer who is eight seconds
behind sees the same order eight seconds later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NewType

RoomId = NewType("RoomId", str)
"""A channel's room; the channel's name."""

Epoch = NewType("Epoch", str)
"""Names one reign over a room's numbers. Positions of two epochs are compared through the chain."""

Kind = Literal[
    "message",
    "alert",
    "delete",
    "clear",
    "timeout",
    "ban",
    "unban",
    "mode",
    "pin",
    "role",
    "subscription",
    "poll",
    "poll_end",
    "held",
    "settled",
    "goal",
    "erase",
]

ACTS: frozenset[Kind] = frozenset(
    {"clear", "timeout", "ban", "unban", "mode", "pin", "role", "subscription", "poll", "poll_end",
     "held", "settled", "goal", "delete", "erase"}
)  # fmt: skip
"""What changes the room's state: read again when the room is opened."""

SAID: frozenset[Kind] = frozenset({"message", "alert", "held", "pin", "poll"})
"""What holds words that people wrote. It can be erased; the rest says how the room stands, and
stays as long as the room."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far somebody has read. `seq` 0: nothing yet."""

    epoch: Epoch
    seq: int


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry before it has a number."""

    kind: Kind
    body: bytes
    """A JSON object, without `seq`, `t` and `kind`; at least one member."""
    t_recv: int
    t_seen: int | None = None
    """What its sender saw, as the sender says and clamped; None where unknown."""
    key: str | None = None
    """Of two drafts with one key, the second is not appended."""
    key_ttl_ms: int | None = 600_000
    """How long the key is remembered; None: for ever."""
    staff: bool = False
    """Only moderators get to see it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the log."""

    epoch: Epoch
    seq: int
    t_recv: int
    t_seen: int | None
    t_show: int
    kind: Kind
    body: bytes
    key: str | None
    staff: bool

    @property
    def wire(self) -> bytes:
        """As clients get it: one JSON object."""
        return b'{"seq":%d,"t":%d,"kind":"%s",%s' % (
            self.seq,
            self.t_show,
            self.kind.encode(),
            self.body[1:],
        )


@dataclass(frozen=True, slots=True)
class EpochEnd:
    """The last number of an epoch that counts. A client that has seen more must take it back."""

    epoch: Epoch
    last: int
