"""Which numbers of a room are one and the same line, across takeovers.

Each epoch counts up to its end in the chain; the present one has none. Two views of a room share
everything up to the end of the last epoch that both know.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chat.entry import Entry, Epoch, EpochEnd, Position
from chat.log import Head

CHAIN_LENGTH: Final = 128
"""Epochs that a chain names at most; who comes from an earlier one begins anew."""


def new_epoch() -> Epoch:
    """No two reigns, on whatever machine, have the same name."""
    return Epoch(secrets.token_urlsafe(9))


@dataclass(frozen=True, slots=True)
class Lineage:
    """The epochs of a room: those that ended, oldest first, and the one that goes on."""

    chain: Sequence[EpochEnd]
    epoch: Epoch

    @classmethod
    def of(cls, head: Head) -> Lineage:
        return cls(tuple(head.chain), head.position.epoch)

    def valid(self, position: Position) -> int | None:
        """Up to where somebody who read as far as `position` has read this line.

        Less than `position.seq` where a takeover made numbers void; None where the epoch is
        unknown, and so is everything.
        """
        if position.epoch == self.epoch:
            return position.seq
        for end in reversed(self.chain):
            if end.epoch == position.epoch:
                return min(position.seq, end.last)
        return None

    def holds(self, entry: Entry) -> bool:
        """Whether the entry is part of the line; one of an epoch long forgotten is not."""
        begun = 0
        for end in self.chain:
            if end.epoch == entry.epoch:
                return begun < entry.seq <= end.last
            begun = end.last
        return entry.epoch == self.epoch and entry.seq > begun

    def shared(self, seq: int, other: Lineage) -> int:
        """How many of this line's first `seq` entries are also the other's."""
        for position in (Position(self.epoch, seq), *self._ends(seq)):
            valid = other.valid(position)
            if valid is not None:
                return valid
        return 0

    def _ends(self, seq: int) -> Sequence[Position]:
        """The last positions of ended epochs, newest first, none beyond `seq`."""
        return [Position(end.epoch, min(end.last, seq)) for end in reversed(self.chain)]
