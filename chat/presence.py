"""How many people a room is told that it has."""

from __future__ import annotations

from typing import Final

from chat.protocol import Presence

QUIET_MS: Final = 2_000
"""A new figure at most this often."""


def shown(count: int, exact_to: int) -> Presence:
    """The count; above `exact_to` rounded to two figures, which changes seldom."""
    if count <= exact_to:
        return Presence(count, True)
    step: int = 10 ** (len(str(count)) - 2)
    return Presence((count + step // 2) // step * step, False)


class PresenceBoard:
    """Remembers what was told, and says what is to be told now."""

    def __init__(self, exact_to: int) -> None:
        self._exact_to = exact_to
        self._told: Presence | None = None
        self._told_ms = 0

    def news(self, count: int, now_ms: int) -> Presence | None:
        """None: nothing new, or not yet."""
        present = shown(count, self._exact_to)
        if present == self._told:
            return None
        if self._told is not None and now_ms - self._told_ms < QUIET_MS:
            return None
        self._told, self._told_ms = present, now_ms
        return present
