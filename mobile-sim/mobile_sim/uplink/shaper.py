"""The phone's radio: links between its sockets and the network, both ways, without root.

Datagrams of WebRTC are held back or lost as the links say. HTTP is not shaped, it only fails while
there is no network. TURN over TCP, and what aioice asks a STUN server, are not shaped either.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from mobile_sim.ice import Address, Datagrams

OVERHEAD = 28
"""Bytes of IPv4 and UDP headers, which take their time on the link, too."""


class OneWay(Protocol):
    """A direction of a link: says when a datagram arrives. See `mobile_sim.uplink.link`."""

    def offer(self, now_s: float, size: int) -> float | None:
        """When `size` bytes that are sent at `now_s` arrive; None when they are lost."""
        ...


@dataclass(slots=True)
class Count:
    """Datagrams of one direction since the start."""

    offered: int = 0
    dropped: int = 0
    bytes: int = 0
    """Of what was offered, with headers."""
    lost_bytes: int = 0
    """Of what was dropped."""


class Shaper:
    """What all sockets of one phone share. `now` is the links' time in seconds."""

    def __init__(self, up: OneWay, down: OneWay, now: Callable[[], float]) -> None:
        self.online = True
        """False while there is no network: nothing passes, and HTTP fails."""
        self.addresses: Sequence[str] | None = None
        """Local addresses that new sockets may use; all that the machine has when None."""
        self.up = Count()
        self.down = Count()
        self._up_link = up
        self._down_link = down
        self._now = now
        self._up = _Line(now)
        self._down = _Line(now)
        self._generation = 0

    def join(self, send: Datagrams, receive: Datagrams) -> tuple[Datagrams, Datagrams]:
        """See `mobile_sim.ice.Wire`. The socket belongs to the present address for good."""
        generation = self._generation

        def alive() -> bool:
            return generation == self._generation

        return (
            self._shaped(lambda: self._up_link, self._up, self.up, send, alive),
            self._shaped(lambda: self._down_link, self._down, self.down, receive, alive),
        )

    def use(self, up: OneWay, down: OneWay) -> None:
        """Another network's links; what is on its way stays as it was."""
        self._up_link, self._down_link = up, down

    def move(self, addresses: Sequence[str] | None) -> None:
        """Get other addresses. Sockets from before are dead, with all that is on its way."""
        self._generation += 1
        self.addresses = addresses

    def close(self) -> None:
        """Forget what is on its way."""
        self._up.clear()
        self._down.clear()

    def _shaped(
        self,
        link: Callable[[], OneWay],
        line: _Line,
        count: Count,
        deliver: Datagrams,
        alive: Callable[[], bool],
    ) -> Datagrams:
        def arrive(data: bytes, address: Address) -> None:
            if alive() and self.online:
                deliver(data, address)

        def offer(data: bytes, address: Address) -> None:
            size = len(data) + OVERHEAD
            count.offered += 1
            count.bytes += size
            at = link().offer(self._now(), size) if alive() and self.online else None
            if at is None:
                count.dropped += 1
                count.lost_bytes += size
            else:
                line.put(at, lambda: arrive(data, address))

        return offer


class _Line:
    """Things to do at a time; those of one time in the order they came in."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._waiting: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None

    def put(self, at_s: float, act: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._waiting, (at_s, self._count, act))
        if self._waiting[0][1] == self._count:  # it is the first now
            self._arm()

    def clear(self) -> None:
        self._waiting.clear()
        self._disarm()

    def _arm(self) -> None:
        self._disarm()
        if self._waiting:
            wait = max(0.0, self._waiting[0][0] - self._now())
            self._timer = asyncio.get_running_loop().call_later(wait, self._due)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self) -> None:
        self._timer = None
        now = self._now()
        # A timer may go off a little early, by the clock's resolution.
        while self._waiting and self._waiting[0][0] <= now + RESOLUTION_S:
            _, _, act = heapq.heappop(self._waiting)
            act()
        self._arm()


RESOLUTION_S = 0.001
