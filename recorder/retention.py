"""What of a channel's VODs is to be deleted, and why. Pure: the caller looks and deletes.

    plan = decide(vods, keeping, now_ms)

First goes what is older than it is kept. Should the rest be more than the quota, the oldest goes
until it fits; what the owner chose to keep for ever goes last. What is being recorded never goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

DAY_MS: Final = 86_400_000
NEAR: Final = 0.9
"""Of the quota; from here on the owner is warned."""

Level = Literal["fine", "near", "over"]
"""How full the quota is. `over`: nothing is left that may be deleted, and it is still too much."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """The rules of a channel."""

    keep_days: int
    """0: for ever."""
    quota_bytes: int
    """Of all its VODs and clips; 0: as much as there is room."""
    keep_clips: bool
    """Clips stay when their VOD goes."""

    def until_ms(self, ended_ms: int | None) -> int | None:
        """How long a VOD that ended then is kept. None: for ever, or it has not ended."""
        if ended_ms is None or self.keep_days == 0:
            return None
        return ended_ms + self.keep_days * DAY_MS


@dataclass(frozen=True, slots=True)
class Kept:
    """A VOD that takes up room. Times are Unix ms."""

    id: str
    began_ms: int
    size_bytes: int
    """With its outputs."""
    recording: bool
    keep_until_ms: int | None
    """None: for ever."""
    keep_chosen: bool
    """By the owner, not by the rules."""

    @property
    def is_pinned(self) -> bool:
        return self.keep_chosen and self.keep_until_ms is None


@dataclass(frozen=True, slots=True)
class Doomed:
    """A VOD that is to be deleted."""

    id: str
    reason: Literal["retention", "quota"]
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Plan:
    doomed: Sequence[Doomed]
    """In the order in which they are to go."""
    used_bytes: int
    """Before."""
    left_bytes: int
    """Afterwards, at least: clips that stay are counted as gone."""
    level: Level
    """Afterwards."""


def decide(vods: Iterable[Kept], keeping: Keeping, now_ms: int, *, other_bytes: int = 0) -> Plan:
    """`other_bytes`: what counts and belongs to no VOD any more, such as clips that stayed."""
    everything = list(vods)
    used = left = other_bytes + sum(one.size_bytes for one in everything)
    going = sorted(
        (one for one in everything if not one.recording),
        key=lambda one: (one.is_pinned, one.began_ms, one.id),
    )
    doomed: list[Doomed] = []
    staying: list[Kept] = []
    for one in going:
        if one.keep_until_ms is not None and one.keep_until_ms <= now_ms:
            doomed.append(Doomed(one.id, "retention", one.size_bytes))
            left -= one.size_bytes
        else:
            staying.append(one)
    for one in staying:
        if keeping.quota_bytes == 0 or left <= keeping.quota_bytes:
            break
        doomed.append(Doomed(one.id, "quota", one.size_bytes))
        left -= one.size_bytes
    return Plan(doomed, used, left, _level(left, keeping.quota_bytes))


def _level(used: int, quota: int) -> Level:
    if quota == 0 or used < NEAR * quota:
        return "fine"
    return "near" if used <= quota else "over"
