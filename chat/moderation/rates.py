"""How often somebody may say something: token buckets by person, connection, network and room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sluice.ratelimit import TokenBuckets

_SIZE: Final = 50_000
"""Keys that are counted; the quietest are forgotten first."""
_ROOM: Final = "room"


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` at once, then `per_s` a second."""

    per_s: float
    burst: int


@dataclass(frozen=True, slots=True)
class RateSettings:
    """The default for people is 20 messages in 30 seconds."""

    connection: Rate = Rate(10.0, 40)
    """All frames that are judged, also those that are refused."""
    network: Rate = Rate(50.0, 200)
    """The same, for all connections from one network."""
    person: Rate = Rate(20 / 30, 20)
    """Messages."""
    trusted: Rate = Rate(10.0, 50)
    """Messages of staff and bots."""
    room: Rate = Rate(10_000.0, 20_000)
    """Messages of everybody else together."""


class Rates:
    """All buckets of a room. What is refused is not taken from any bucket of messages."""

    def __init__(self, settings: RateSettings) -> None:
        self._connection = _buckets(settings.connection)
        self._network = _buckets(settings.network)
        self._person = _buckets(settings.person)
        self._trusted = _buckets(settings.trusted)
        self._room = _buckets(settings.room)

    def frame(self, connection: str, network: str, now_ms: int) -> int:
        """Count a frame: 0 where it may be looked at, else how many ms to wait."""
        wait_s = self._connection.take(connection, now_ms) or self._network.take(network, now_ms)
        return 1_000 * (wait_s or 0)

    def message(self, user: str, trusted: bool, now_ms: int) -> int:
        """Count a message: 0 where it may be said, else how many ms to wait."""
        buckets = self._trusted if trusted else self._person
        wait_s = buckets.wait_s(user, now_ms)
        if wait_s is None and not trusted:
            wait_s = self._room.take(_ROOM, now_ms)
        if wait_s is None:
            wait_s = buckets.take(user, now_ms)
        return 1_000 * (wait_s or 0)


def _buckets(rate: Rate) -> TokenBuckets:
    return TokenBuckets(rate.per_s, rate.burst, _SIZE)
