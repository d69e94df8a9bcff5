"""Polls and their votes: one a person, the last one counts.

Votes are in this node's memory until the poll ends, and then in the entry that ends it. A poll
that outlives its server's restart goes on, without the votes from before.
"""

from __future__ import annotations

from dataclasses import dataclass

from chat.entry import Epoch
from chat.people import UserId
from chat.protocol import PollView


@dataclass(frozen=True, slots=True)
class Poll:
    """The open poll of a room, as the log tells it."""

    epoch: Epoch
    seq: int
    question: str
    options: tuple[str, ...]
    until_ms: int
    key: str | None = None
    """Of the entry that opened it."""

    def is_open(self, now_ms: int) -> bool:
        return now_ms < self.until_ms


class Votes:
    """Those of one poll at a time; another poll begins with none."""

    def __init__(self) -> None:
        self._poll: Poll | None = None
        self._of: dict[UserId, int] = {}
        self._counts: list[int] = []

    def cast(self, poll: Poll, user: UserId, option: int) -> bool:
        """False where the poll has no such option."""
        if not 0 <= option < len(poll.options):
            return False
        self._turn_to(poll)
        before = self._of.get(user)
        if before is not None:
            self._counts[before] -= 1
        self._counts[option] += 1
        self._of[user] = option
        return True

    def tally(self, poll: Poll) -> list[int]:
        """How many for each option."""
        self._turn_to(poll)
        return list(self._counts)

    def view(self, poll: Poll) -> PollView:
        options = list(poll.options)
        return PollView(poll.seq, poll.question, options, self.tally(poll), poll.until_ms)

    def _turn_to(self, poll: Poll) -> None:
        if self._poll != poll:
            self._poll = poll
            self._of = {}
            self._counts = [0] * len(poll.options)
