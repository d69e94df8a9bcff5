"""Which messages everybody gets when there are more than anybody can read.

Above the display rate, the public audience gets an even sample. Acts, alerts and what staff say
are never left out, and everybody gets their own (`chat/live_room.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chat.entry import Entry
from chat.people import Role, is_staff


class Sampler:
    """At most `rate` messages a second, evenly from each tick; 0: all of them."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._allowance = float(rate)
        self._then_ms: int | None = None

    def left_out(self, entries: Sequence[Entry], now_ms: int) -> frozenset[int]:
        """The numbers of the messages that the sample does not have."""
        if self._rate == 0:
            return frozenset()
        self._refill(now_ms)
        messages = [one.seq for one in entries if one.kind == "message" and not _of_staff(one)]
        if len(messages) <= self._allowance:
            self._allowance -= len(messages)
            return frozenset()
        keep = int(self._allowance)
        self._allowance -= keep
        count = len(messages)
        kept = {messages[at * count // keep] for at in range(keep)}
        return frozenset(messages) - kept

    def _refill(self, now_ms: int) -> None:
        if self._then_ms is not None:
            passed_ms = max(0, now_ms - self._then_ms)
            # At most a second's worth, or a quiet hour would let a flood through.
            self._allowance = min(self._rate, self._allowance + passed_ms * self._rate / 1000)
        self._then_ms = now_ms


class _User(msgspec.Struct):
    roles: list[Role] = []


class _Body(msgspec.Struct):
    user: _User = msgspec.field(default_factory=_User)


_decoder = msgspec.json.Decoder(_Body)


def _of_staff(entry: Entry) -> bool:
    try:
        return is_staff(frozenset(_decoder.decode(entry.body).user.roles))
    except msgspec.MsgspecError:
        return False
