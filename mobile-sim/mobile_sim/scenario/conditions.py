"""What holds at a moment of a scenario: the network, the place, where the app is."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum

from mobile_sim.device.model import Place, Radio
from mobile_sim.uplink.link import Link, LinkSettings
from mobile_sim.uplink.trace import Trace


class App(StrEnum):
    """Where the app is: the names of a device signal's `app`."""

    FOREGROUND = "foreground"
    BACKGROUND = "background"
    """Behind others: no camera, no hardware encoder; sound goes on."""
    INTERRUPTED = "interrupted"
    """A call has the camera, and mostly the microphone too."""


@dataclass(frozen=True, slots=True)
class Network:
    """A network that the phone may be in."""

    name: str
    kind: Radio
    signal: float
    """0 to 1."""
    trace: Trace
    """The way up. The way down has the same delay and is never full."""
    settings: LinkSettings

    def link(self, seed: int, start_s: float = 0.0) -> Link:
        """Make the link whose trace begins at `start_s`; the same seed gives the same losses."""
        return Link(self.trace, self.settings, random.Random(seed), start_s)


@dataclass(frozen=True, slots=True)
class Conditions:
    """What holds at one moment of a scenario."""

    network: Network
    """Another object than before: the link has changed. With the same `network_since_s` it is
    the same network with another signal or more loss, and its trace goes on."""
    network_since_s: float
    """When the phone came into this network: where its trace begins."""
    address: int
    """Grows with each new address of the phone: paths from before are dead."""
    outage: bool
    """Nothing passes, in either direction."""
    place: Place
    app: App
    sound: bool
    """Whether the microphone is the app's own now."""
    screen: bool


@dataclass(frozen=True, slots=True)
class Happening:
    """An event of the file in words, for the timeline."""

    at_s: float
    text: str
