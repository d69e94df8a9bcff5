"""What a client that comes in must be told: what it missed, what it must take back, or the last
messages. Pure; `chat/live_room.py` fetches and sends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chat.entry import Epoch, EpochEnd, Position
from chat.log import Head
from chat.protocol import Gap, Retract


@dataclass(frozen=True, slots=True)
class Resumed:
    """It goes on after `after`: everything between is still there."""

    after: int
    retract: Retract | None


@dataclass(frozen=True, slots=True)
class Anew:
    """It gets the last messages. Nothing says what it has of what lies before."""

    retract: Retract | None
    known: int
    """The last number that it has and that counts; 0: none."""

    def gap_before(self, first: int) -> Gap | None:
        """What lies between what it knows and the first that it gets."""
        return Gap(self.known + 1, first - 1) if 0 < self.known < first - 1 else None


def plan(resume: Position | None, head: Head, most: int) -> Resumed | Anew:
    """`recovered` may be said for Resumed alone. At most `most` entries are caught up with."""
    if resume is None:
        return Anew(None, 0)
    now = head.position
    if resume.epoch == now.epoch:
        if resume.seq > now.seq:
            # Numbers that nobody has yet: the client is wrong, and nothing it says can be used.
            return Anew(Retract(resume.epoch, 1, now.epoch), 0)
        valid, retract = resume.seq, None
    else:
        found = counted(head.chain, resume.epoch)
        if found is None:
            return Anew(Retract(resume.epoch, 1, now.epoch), 0)
        valid = min(resume.seq, found, now.seq)
        retract = taken_back(resume, valid, now.epoch)
    if valid >= head.oldest - 1 and now.seq - valid <= most:
        return Resumed(valid, retract)
    return Anew(retract, valid)


def counted(chain: Sequence[EpochEnd], epoch: Epoch) -> int | None:
    """The last number of an earlier epoch that still counts; None for an unknown epoch.

    A later epoch may have ended before an earlier one's end: then that end counts.
    """
    last: int | None = None
    for end in chain:
        if end.epoch == epoch:
            last = end.last
        elif last is not None:
            last = min(last, end.last)
    return last


def taken_back(position: Position, valid: int, now: Epoch) -> Retract | None:
    """What a client at `position` must take back; None: nothing."""
    return Retract(position.epoch, valid + 1, now) if position.seq > valid else None
