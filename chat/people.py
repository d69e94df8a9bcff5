"""Who is in a room, and what each may do there."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field
from typing import Final, Literal, NewType

UserId = NewType("UserId", str)
"""As the app that signs tokens names its people: 1-64 of letters, digits and `._:@-`. Guests' ids
begin with `guest:`."""

Role = Literal["owner", "moderator", "subscriber", "viewer", "bot"]
RANK: Final[dict[Role, int]] = {
    "owner": 4, "moderator": 3, "bot": 2, "subscriber": 1, "viewer": 0,
}  # fmt: skip
"""Nobody may act on somebody of the same or a higher rank; bots are as moderators act on them."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a name. Who only reads is no Person (None)."""

    id: UserId
    name: str
    roles: Set[Role] = field(default_factory=frozenset)
    """Those of the token; the room's own come on top (`chat/room.py`)."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "roles", frozenset(self.roles))


STAFF: Final[Set[Role]] = frozenset({"owner", "moderator"})


def is_staff(roles: Set[Role]) -> bool:
    return not STAFF.isdisjoint(roles)


def rank(roles: Set[Role]) -> int:
    """The highest of them; 0 for none."""
    return max((RANK[role] for role in roles), default=0)
