"""Single-use tickets: what a client shows in its `hello`, in place of lasting credentials.

A ticket is random and lives in memory, on the machine that gave it out. A socket's address and
its cookies prove nothing about who opened it; the first frame does.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from chat.entry import RoomId
from chat.people import Person
from sluice.auth import Grant

LIVES_MS: Final = 60_000
_MOST: Final = 200_000


@dataclass(frozen=True, slots=True)
class Ticket:
    """What it opens."""

    room: RoomId
    person: Person | None
    grant: Grant
    """Why its holder may read the room; looked at again while it is there."""
    until_ms: int | None
    """Monotonic: the person's token ends then."""


class Tickets:
    """Those that were given out and not used. Bounded: the oldest goes first."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, tuple[Ticket, int]] = OrderedDict()

    def issue(self, ticket: Ticket, now_ms: int) -> str:
        """The text that opens it, for LIVES_MS."""
        self._expire(now_ms)
        text = secrets.token_urlsafe(24)
        self._waiting[text] = (ticket, now_ms + LIVES_MS)
        if len(self._waiting) > _MOST:
            self._waiting.popitem(last=False)
        return text

    def redeem(self, text: str, room: RoomId, now_ms: int) -> Ticket | None:
        """Once, in time and for the right room; None else. Wherever it is shown, it is used up."""
        found = self._waiting.pop(text, None)
        if found is None:
            return None
        ticket, until_ms = found
        if ticket.room != room or now_ms >= until_ms:
            return None
        return ticket

    def _expire(self, now_ms: int) -> None:
        # All live equally long, so they stand in order of their ends.
        while self._waiting:
            text, (_, until_ms) = next(iter(self._waiting.items()))
            if now_ms < until_ms:
                return
            del self._waiting[text]
