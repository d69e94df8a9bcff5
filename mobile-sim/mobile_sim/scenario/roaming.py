"""Takes the phone from network to network, as a scenario says: links, outages, addresses."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

from mobile_sim.scenario.file import Conditions
from mobile_sim.uplink.link import Link
from mobile_sim.uplink.shaper import Shaper
from mobile_sim.uplink.trace import Trace

DOWN_BPS = 100e6
"""The way down is never full: nothing but feedback comes there."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is new since the conditions before."""

    moved: bool = False
    """The phone has another address: paths from before are dead."""
    back: bool = False
    """There is a network again."""


class Roaming:
    """Keeps the shaper as the conditions say. Links run on `now`, in seconds of real time."""

    def __init__(self, seed: int, first: Conditions, host: str, now: Callable[[], float]) -> None:
        """`host` is the server's: one on this machine is sent to from addresses of loopback."""
        self._seed = seed
        self._host = host
        self._now = now
        self._conditions = first
        self._since_s = now()
        self._up, self._down = self._links(first)
        self.shaper = Shaper(self._up, self._down, now)
        self.shaper.addresses = addresses(host, first.address)
        self._set_outage(first.outage)

    def apply(self, conditions: Conditions) -> Change:
        """Make the conditions true and return what that changes."""
        before, self._conditions = self._conditions, conditions
        moved = conditions.address != before.address
        arrived = conditions.network_since_s != before.network_since_s
        if arrived:
            self._since_s = self._now()
        # Another signal alone changes nothing of the link.
        settings = (conditions.network.settings, before.network.settings)
        if arrived or moved or settings[0] != settings[1]:
            self._up, self._down = self._links(conditions)
            self.shaper.use(self._up, self._down)
            self._set_outage(conditions.outage)
        if moved:
            self.shaper.move(addresses(self._host, conditions.address))
        if conditions.outage != before.outage:
            self._set_outage(conditions.outage)
        return Change(moved, before.outage and not conditions.outage)

    @property
    def capacity_bps(self) -> float:
        """What the link let through in the last second."""
        if self._conditions.outage:
            return 0.0
        age = self._now() - self._since_s
        return self._conditions.network.trace.rate_bps(max(0.0, age - 1.0))

    def _set_outage(self, outage: bool) -> None:
        self.shaper.online = not outage
        for link in (self._up, self._down):
            if outage:
                link.cut()
            else:
                link.mend()

    def _links(self, conditions: Conditions) -> tuple[Link, Link]:
        network, since = conditions.network, self._since_s
        seed = self._seed + conditions.address
        free = replace(network.settings, loss=0.0, burst_loss=0.0)
        return network.link(seed, since), Link(Trace.constant(DOWN_BPS), free, Random(seed), since)


def addresses(host: str, number: int) -> Sequence[str] | None:
    """Where address number `number` of the phone is, for a server at `host`.

    Loopback has as many as one likes. Another machine is reached from whatever this one has; new
    sockets have new ports, and that is another address, too, as behind a NAT.
    """
    if host != "localhost":
        try:
            if not ipaddress.IPv4Address(host).is_loopback:
                return None
        except ipaddress.AddressValueError:
            return None
    return [f"127.0.{number // 200 % 200 + 1}.{number % 200 + 1}"]
