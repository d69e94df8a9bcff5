"""Who the bad crowd of `make bench-bad-crowd` is, and from which addresses it comes.

127.0.0.1 would be one address to the server's limits, and the honest viewers' too. The whole of
127.0.0.0/8 is this machine's loopback on Linux, so each attack has a network of its own there,
and its connections are bound to the addresses in it: to the server they are as many strangers.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from itertools import cycle
from typing import Final

import msgspec

HONEST: Final = "127.0.0.1"
NETWORKS: Final = {"slow": 2, "events": 3, "offers": 4, "plis": 5, "chat": 6}
"""The third number of the addresses of an attack: 127.0.<number>.1, .2 and so on."""


class Plan(msgspec.Struct, frozen=True):
    """What one attack is told on its standard input."""

    host: str
    port: int
    channel: str
    """Watched by the honest viewers."""
    hls_channel: str
    """Made into HLS."""
    seconds: float
    scale: float = 1.0
    """A part of the crowd, for trials."""

    def part(self, number: int) -> int:
        return max(1, round(number * self.scale))


class Found(msgspec.Struct, frozen=True):
    """What one attack saw, as it prints it on its last line."""

    outcomes: dict[str, int]
    cpu_s: float
    """All that it took of the machine that it shares with the server."""


def addresses(attack: str, count: int) -> list[str]:
    """Of loopback, another network for each attack. At most 254."""
    return [f"127.0.{NETWORKS[attack]}.{number}" for number in range(1, count + 1)]


def in_turn(attack: str, count: int) -> Iterator[str]:
    return cycle(addresses(attack, count))


def found(outcomes: Counter[str]) -> Found:
    """Most frequent first."""
    return Found(dict(outcomes.most_common()), round(time.process_time(), 2))
