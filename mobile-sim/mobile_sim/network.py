"""What the simulator must know of the network underneath WebRTC."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

import aioice.ice

from mobile_sim.ice import Wire

_only: ContextVar[Sequence[str] | None] = ContextVar("addresses of the phone", default=None)


class Network(Wire, Protocol):
    """The network that a phone is in, when it is not simply the machine's."""

    online: bool
    """False while there is none."""
    addresses: Sequence[str] | None
    """Those that new sockets may use; all that the machine has when None."""


class Silence:
    """Notices that the far end has stopped sending, sooner than ICE consent does.

    aioice asks for consent every 5 s and gives up after six failures, half a minute (RFC 7675).
    A media server also sends RTCP about once a second, so its silence tells much earlier. How
    regular it is, is learned first: a server that seldom sends is left to ICE. A silence that is
    only a little too long is a doubt: it is worth a question, and no more.
    """

    def __init__(self, limit_s: float = 2.5) -> None:
        self._limit = limit_s
        self._count: int | None = None
        self._heard_at = 0.0
        self._times_heard = 0
        self._longest_gap = 0.0
        self._doubted_at = -DOUBT_S

    def feed(self, now_s: float, packets_received: int) -> bool:
        """Take the number of packets received until `now_s`; True when the far end is gone."""
        if self._count is None:
            self._count, self._heard_at = packets_received, now_s
            return False
        gap = now_s - self._heard_at
        if packets_received != self._count:
            self._count, self._heard_at = packets_received, now_s
            self._times_heard += 1
            self._longest_gap = max(self._longest_gap, gap)
            return False
        return self._is_regular and gap > max(self._limit, 3 * self._longest_gap)

    def doubts(self, now_s: float) -> bool:
        """Whether the far end should have sent something by `now_s`; True once a second at most."""
        gap = now_s - self._heard_at
        late = self._is_regular and gap > max(DOUBT_S, DOUBT_SHARE * self._longest_gap)
        if not late or now_s - self._doubted_at < DOUBT_S:
            return False
        self._doubted_at = now_s
        return True

    @property
    def _is_regular(self) -> bool:
        return self._times_heard >= LEARNED


LEARNED = 3
"""So many signs of life make the far end a regular sender."""
DOUBT_S = 1.0
DOUBT_SHARE = 1.25
"""Of the longest gap so far."""


def use_loopback_when_alone() -> None:
    """Let ICE use 127.0.0.1 on a machine that has no other address, and `only` these addresses.

    aioice never offers loopback and takes no list of addresses, so without this the simulator
    cannot reach a server on the same machine when that is off the network.
    """
    original: Callable[[bool, bool], list[str]] = aioice.ice.get_host_addresses
    if getattr(original, "falls_back_to_loopback", False):
        return

    def get_host_addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
        chosen = _only.get()
        if chosen is not None:
            return list(chosen)
        found = original(use_ipv4, use_ipv6)
        return found or (["127.0.0.1"] if use_ipv4 else [])

    get_host_addresses.falls_back_to_loopback = True  # type: ignore[attr-defined]
    aioice.ice.get_host_addresses = get_host_addresses


def machine_addresses() -> Sequence[str]:
    """Those that the machine has now."""
    found: list[str] = aioice.ice.get_host_addresses(True, True)
    return found


@contextmanager
def only(addresses: Sequence[str] | None) -> Iterator[None]:
    """Connections that gather candidates in here use these addresses; any when None."""
    token = _only.set(addresses)
    try:
        yield
    finally:
        _only.reset(token)
