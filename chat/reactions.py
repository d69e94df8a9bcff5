"""Reactions, summed. A million hearts cost what ten cost: one sum for each second and emote.

The loop that drives it: `add` for each `react` frame; every TICK_MS `sums` for the audience;
every second `totals` for the log.
"""

from __future__ import annotations

from typing import Final

from chat.log import Hearts
from chat.protocol import HeartSum

TICK_MS: Final = 100
SUMS: Final = 256
"""Most sums of one frame, so that it fits into a datagram's worth of data channel; what is over
goes with the next."""


class Reactions:
    """The sums that have not gone out yet. Bounded by `back_ms` and the number of emotes."""

    def __init__(self, back_ms: int) -> None:
        self._back_ms = back_ms
        self._fresh: dict[tuple[int, str], int] = {}
        self._unsaved: dict[tuple[int, str], int] = {}

    @property
    def waiting(self) -> bool:
        """Whether there are sums for the audience."""
        return bool(self._fresh)

    def add(self, emote: str, n: int, at_ms: int | None, now_ms: int) -> None:
        """`at_ms` is what the sender says was on its screen: clamped to what can be there."""
        at_ms = now_ms if at_ms is None else min(max(at_ms, now_ms - self._back_ms), now_ms)
        key = (at_ms // 1000, emote)
        self._fresh[key] = self._fresh.get(key, 0) + n
        self._unsaved[key] = self._unsaved.get(key, 0) + n

    def sums(self) -> list[HeartSum]:
        """For one frame; the newest seconds first, because those are on most screens."""
        keys = sorted(self._fresh, reverse=True)[:SUMS]
        return [HeartSum(second * 1000, emote, self._fresh.pop((second, emote)))
                for second, emote in keys]  # fmt: skip

    def totals(self) -> list[Hearts]:
        """What came since the last call, for the log."""
        unsaved, self._unsaved = self._unsaved, {}
        return [Hearts(second, emote, n) for (second, emote), n in sorted(unsaved.items())]

    def restore(self, hearts: list[Hearts]) -> None:
        """The log did not take these; they go with the next."""
        for one in hearts:
            key = (one.second, one.kind)
            self._unsaved[key] = self._unsaved.get(key, 0) + one.count
