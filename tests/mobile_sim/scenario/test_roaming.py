"""The shaper is as the scenario's conditions say, and what changed is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mobile_sim.device.model import Place, Radio
from mobile_sim.ice import Address
from mobile_sim.scenario.conditions import App, Conditions, Network
from mobile_sim.scenario.roaming import Change, Roaming, addresses
from mobile_sim.uplink.link import LinkSettings
from mobile_sim.uplink.trace import Trace

FAR: Address = ("192.0.2.1", 5000)
WIFI = Network("home", Radio.WIFI, 0.9, Trace.constant(8e6), LinkSettings(delay_s=0.0))
LTE = Network("lte", Radio.CELLULAR, 0.5, Trace.constant(1e6), LinkSettings(delay_s=0.0))
FIRST = Conditions(
    network=WIFI,
    network_since_s=0.0,
    address=1,
    outage=False,
    place=Place(),
    app=App.FOREGROUND,
    sound=True,
    screen=True,
)


class World:
    """A phone that roams, on a clock that we turn."""

    def __init__(self, first: Conditions = FIRST) -> None:
        self.now = 100.0
        self.roaming = Roaming(7, first, "127.0.0.1", lambda: self.now)
        self.send, _ = self.roaming.shaper.join(lambda data, to: None, lambda data, to: None)

    def dropped(self, packets: int = 1) -> int:
        before = self.roaming.shaper.up.dropped
        for _ in range(packets):
            self.send(bytes(1000), FAR)
        return self.roaming.shaper.up.dropped - before


async def test_nothing_new_changes_nothing() -> None:
    world = World()
    assert world.roaming.apply(replace(FIRST, app=App.BACKGROUND)) == Change()
    assert world.dropped() == 0


async def test_another_network_has_its_own_link_and_trace_from_its_beginning() -> None:
    world = World()
    world.now = 130.0
    assert world.roaming.capacity_bps == pytest.approx(8e6, rel=0.05)
    moved = replace(FIRST, network=LTE, network_since_s=30.0, address=2)
    assert world.roaming.apply(moved) == Change(moved=True)
    assert world.roaming.capacity_bps == pytest.approx(1e6, rel=0.05)
    assert world.roaming.shaper.addresses == addresses("127.0.0.1", 2)
    assert world.dropped() == 1, "the socket is of the old address"


async def test_the_same_address_keeps_its_sockets_in_another_network() -> None:
    world = World()
    assert world.roaming.apply(replace(FIRST, network=LTE, network_since_s=30.0)) == Change()
    assert world.dropped() == 0


async def test_an_outage_lets_nothing_through_and_its_end_is_told() -> None:
    world = World()
    assert world.roaming.apply(replace(FIRST, outage=True)) == Change()
    assert world.roaming.shaper.online is False
    assert world.roaming.capacity_bps == 0
    assert world.dropped() == 1
    assert world.roaming.apply(FIRST) == Change(back=True)
    assert world.dropped() == 0


async def test_a_scenario_may_begin_without_a_network() -> None:
    world = World(replace(FIRST, outage=True))
    assert world.dropped() == 1
    assert world.roaming.apply(FIRST) == Change(back=True)
    assert world.dropped() == 0


async def test_more_loss_is_a_new_link_on_the_same_trace_and_less_signal_is_none() -> None:
    world = World()
    lossy = replace(WIFI, settings=replace(WIFI.settings, loss=1.0))
    world.roaming.apply(replace(FIRST, network=lossy))
    assert world.dropped(5) == 5
    world.roaming.apply(FIRST)
    assert world.dropped(5) == 0
    # A new link would have an empty queue: this one is full already, and stays so.
    full = replace(WIFI, settings=replace(WIFI.settings, queue_bytes=3000))
    world.roaming.apply(replace(FIRST, network=full))
    assert world.dropped(50) > 40
    world.roaming.apply(replace(FIRST, network=replace(full, signal=0.1)))
    assert world.dropped(1) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1.2.3"])
def test_a_server_on_this_machine_is_sent_to_from_ever_new_addresses(host: str) -> None:
    found = [addresses(host, number) for number in range(1, 1000)]
    assert all(one is not None and one[0].startswith("127.0.") for one in found)
    assert len({tuple(one) for one in found if one}) == len(found)
    assert all(one != ["127.0.0.1"] for one in found)


@pytest.mark.parametrize("host", ["192.0.2.1", "example.org", "::1", ""])
def test_another_server_is_reached_from_whatever_the_machine_has(host: str) -> None:
    assert addresses(host, 3) is None
