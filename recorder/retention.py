"""What of a channel's VODs is to be deleted, and why. Pure: the caller looks and deletes.

    plan = decide(vods, keeping, now_ms)

First goes what is older than it is kept. Should the rest be more than the quota, the oldest goes
until it fits; what the owner chose to keep for ever goes last. What is being recorded never goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
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
class Choice:
    """What is chosen for one channel. None: as the server's settings say."""

    keep_days: int | None = None
    """0: for ever."""
    quota_gb: int | None = None
    """0: as much as there is room."""
    keep_clips: bool | None = None
    granted_days: int | None = None
    """How far the owner may go, where the admin allows more than the server; 0: any far."""
    granted_gb: int | None = None


class BeyondLimit(ValueError):
    """An owner asks for more than it may have. The text is for people."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What an owner may choose at most; 0: anything."""

    keep_days: int
    quota_gb: int


def limits(choice: Choice, server: Keeping) -> Limits:
    return Limits(
        _larger(server.keep_days, choice.granted_days),
        _larger(server.quota_bytes >> 30, choice.granted_gb),
    )


def settled(choice: Choice, server: Keeping) -> Keeping:
    """The rules of a channel. A choice from before the server allowed less is cut to that."""
    most = limits(choice, server)
    days, quota_gb = server.keep_days, server.quota_bytes >> 30
    if choice.keep_days is not None:
        days = choice.keep_days if _within(choice.keep_days, most.keep_days) else most.keep_days
    if choice.quota_gb is not None:
        quota_gb = choice.quota_gb if _within(choice.quota_gb, most.quota_gb) else most.quota_gb
    clips = server.keep_clips if choice.keep_clips is None else choice.keep_clips
    return Keeping(days, quota_gb << 30, keep_clips=clips)


def allowed(wish: Choice, before: Choice, server: Keeping) -> Choice:
    """What an owner wishes, with the grants it had. Raises BeyondLimit."""
    most = limits(before, server)
    asked = (
        ("keep_days", "days", wish.keep_days, most.keep_days),
        ("quota_gb", "GB", wish.quota_gb, most.quota_gb),
    )
    for name, unit, value, limit in asked:
        if value is not None and not _within(value, limit):
            what = "no end" if value == 0 else f"{value} {unit}"
            raise BeyondLimit(
                f"{name}: {what} is too much; at most {limit} {unit}, unless the admin allows more."
            )
    return replace(wish, granted_days=before.granted_days, granted_gb=before.granted_gb)


def granted(wish: Choice, before: Choice, server: Keeping) -> Choice:
    """What the admin sets. Where that is more than the server's, the owner may have it, too; what
    stays as it was leaves the owner what it had."""
    return replace(
        wish,
        granted_days=_grant(
            wish.keep_days, server.keep_days, before.keep_days, before.granted_days
        ),
        granted_gb=_grant(
            wish.quota_gb, server.quota_bytes >> 30, before.quota_gb, before.granted_gb
        ),
    )


def _grant(value: int | None, limit: int, before: int | None, had: int | None) -> int | None:
    if value is None:
        return None
    if value == before:
        return had
    return None if _within(value, limit) else value


def _within(value: int, limit: int) -> bool:
    return limit == 0 or 0 < value <= limit


def _larger(limit: int, grant: int | None) -> int:
    if grant is None:
        return limit
    return 0 if 0 in (limit, grant) else max(limit, grant)


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
