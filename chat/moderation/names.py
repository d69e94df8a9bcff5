"""Whose name is whose in a room: no two people have names that can be taken for each other."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from chat.moderation.skeleton import skeletons
from chat.moderation.text import Unfit, clean, head
from chat.people import UserId

GRAPHEMES: Final = 32
BYTES: Final = 128
KEPT_MS: Final = 24 * 3_600_000
"""A name stays its owner's for so long after the owner was there."""
GUEST: Final = "guest:"
_MOST_TRIES: Final = 100
_GUEST: Final = 0


class Names:
    """Names with their holders. The `size` that were seen last are known."""

    def __init__(self, size: int = 20_000) -> None:
        self._size = size
        self._held: OrderedDict[UserId, _Held] = OrderedDict()
        self._holders: dict[str, UserId] = {}

    def admit(self, user: UserId, name: str, now_ms: int, *, staff: bool = False) -> str | None:
        """The name under which the user is here; None for a guest whose name is not free.

        Staff take a name from everybody else, and users from guests. Otherwise, what somebody
        has stays theirs, and others than guests get a number after it.
        """
        weight = _weight(user, staff)
        fit = _fit(user, name)
        held = self._held.get(user)
        if held is not None and held.asked == fit:
            self._hold(user, held.name, fit, weight, now_ms)
            return held.name
        if self._free(fit, user, weight, now_ms):
            self._hold(user, fit, fit, weight, now_ms)
            return fit
        if weight == _GUEST:
            return None
        stem = head(fit, GRAPHEMES - 3)
        for other in (*(f"{stem}-{number}" for number in range(2, _MOST_TRIES)), str(user)):
            if self._free(other, user, _GUEST, now_ms):
                self._hold(user, other, fit, weight, now_ms)
                return other
        return str(user)

    def seen(self, user: UserId, name: str, now_ms: int, *, staff: bool = False) -> None:
        """The user spoke under this name. Who has it already keeps it."""
        weight = _weight(user, staff)
        held = self._held.get(user)
        if held is not None and held.name == name:
            self._hold(user, name, held.asked, weight, now_ms)
        elif held is None and self._free(name, user, weight, now_ms):
            self._hold(user, name, name, weight, now_ms)

    def holds(self, user: UserId, name: str) -> bool:
        """The user has this name, and nobody has taken it over."""
        held = self._held.get(user)
        return held is not None and held.name == name

    def called(self, name: str) -> tuple[UserId, str] | None:
        """Who is meant by a name, and how it is written."""
        for key in _keys(name):
            user = self._holders.get(key)
            if user is not None:
                return user, self._held[user].name
        return None

    def name_of(self, user: UserId) -> str:
        """The user's id where no name is known."""
        held = self._held.get(user)
        return str(user) if held is None else held.name

    def _free(self, name: str, user: UserId, weight: int, now_ms: int) -> bool:
        for key in _keys(name):
            holder = self._holders.get(key)
            if holder is None or holder == user:
                continue
            held = self._held[holder]
            if held.seen_ms + KEPT_MS >= now_ms and weight <= held.weight:
                return False
        return True

    def _hold(self, user: UserId, name: str, asked: str, weight: int, now_ms: int) -> None:
        held = self._held.get(user)
        if held is not None and held.name == name:
            held.asked, held.weight = asked, weight
            held.seen_ms = max(held.seen_ms, now_ms)
            self._held.move_to_end(user)
            return
        self._release(user)
        keys = _keys(name)
        for key in keys:
            if (former := self._holders.get(key)) is not None:
                self._release(former)
        self._holders.update(dict.fromkeys(keys, user))
        self._held[user] = _Held(name, asked, keys, weight, now_ms)
        while len(self._held) > self._size:
            self._release(next(iter(self._held)))

    def _release(self, user: UserId) -> None:
        held = self._held.pop(user, None)
        for key in held.keys if held is not None else ():
            self._holders.pop(key, None)


@dataclass(slots=True)
class _Held:
    name: str
    asked: str
    """What the user calls itself, which may be somebody else's."""
    keys: frozenset[str]
    weight: int
    seen_ms: int


def _weight(user: UserId, staff: bool) -> int:
    if user.startswith(GUEST):
        return _GUEST
    return 2 if staff else 1


def _keys(name: str) -> frozenset[str]:
    return frozenset(skeletons(name.replace(" ", "")))


def _fit(user: UserId, name: str) -> str:
    try:
        return clean(name, GRAPHEMES, BYTES)
    except Unfit:
        return str(user)
